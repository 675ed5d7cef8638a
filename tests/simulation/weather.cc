#include "tests/simulation/weather.h"

namespace crm::simulation {

Weather Weather::Draw(Dice& dice) {
  Weather w;
  w.nodes = 2 + dice.Below(3);
  w.partitions = 1 + dice.Below(2) * dice.Below(2) + dice.Below(2) * dice.Below(2);
  w.clients = 2 + dice.Below(7);
  w.commands_per_client = 10 + dice.Below(30);
  w.subjects_per_partition = 1 + dice.Below(6);
  w.until = dice.Between(3 * kSecond, 15 * kSecond);

  const auto rate = [&dice](double most) {
    return dice.Chance(0.5) ? most * static_cast<double>(dice.Below(1000)) / 1000 : 0.0;
  };
  w.lands_unknown = rate(0.10);
  w.lands_late = rate(0.20);
  w.lands_twice = rate(0.15);
  w.lands_in_parts = rate(0.15);
  w.lands_partly = rate(0.10);
  w.dropped = rate(0.10);
  w.longest_landing = dice.Chance(0.7) ? 5 * kMillisecond : 200 * kMillisecond;
  w.longest_report = dice.Chance(0.7) ? 5 * kMillisecond : 400 * kMillisecond;
  w.end_fails = rate(0.3);
  w.read_back_fails = rate(0.3);
  w.store_fails = dice.Chance(0.1) ? 0.005 : 0;
  w.message_lost = rate(0.2);
  w.longest_tail = dice.Chance(0.6) ? 20 * kMillisecond : kSecond;

  const auto period = [&dice](TimeNs least, TimeNs most) {
    return dice.Chance(0.6) ? dice.Between(least, most) : 0;
  };
  w.between_pauses = period(kSecond, 8 * kSecond);
  w.between_crashes = period(kSecond, 10 * kSecond);
  w.between_hints = period(300 * kMillisecond, 5 * kSecond);
  w.between_releases = period(kSecond, 6 * kSecond);
  w.erasures = dice.Chance(0.2);
  w.places_unknown = rate(0.3);
  w.between_stops = period(2 * kSecond, 10 * kSecond);
  w.between_foreign = period(50 * kMillisecond, 2 * kSecond);
  w.between_forged = dice.Chance(0.15) ? dice.Between(kSecond, 5 * kSecond) : 0;
  return w;
}

}  // namespace crm::simulation
