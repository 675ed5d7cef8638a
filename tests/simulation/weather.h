#pragma once

#include "common/log/fenced_partition.h"
#include "tests/simulation/virtual_time.h"

namespace crm::simulation {

// How bad a run is: drawn from the seed, so that calm and stormy runs both occur.
struct Weather {
  size_t nodes = 2;
  size_t partitions = 1;
  size_t clients = 3;
  size_t commands_per_client = 10;
  size_t subjects_per_partition = 3;
  // Faults end here.
  TimeNs until = 0;

  // Of an append, by chance.
  double lands_unknown = 0;
  double lands_late = 0;
  double lands_twice = 0;
  double lands_in_parts = 0;
  double lands_partly = 0;
  double dropped = 0;
  // Durable, and reported without its places, or without some of them.
  double places_unknown = 0;
  TimeNs longest_landing = 0;
  TimeNs longest_report = 0;

  double end_fails = 0;
  double read_back_fails = 0;
  double store_fails = 0;
  double message_lost = 0;
  TimeNs longest_tail = 0;

  // Times between mishaps of one node, or of the hints.
  TimeNs between_pauses = 0;
  TimeNs between_crashes = 0;
  TimeNs between_hints = 0;
  TimeNs between_releases = 0;
  // A node ends cleanly, handing over what it has open.
  TimeNs between_stops = 0;
  // Somebody else writes into the topic: records of no kind of ours, events that nobody can read,
  // holes.
  TimeNs between_foreign = 0;
  // Somebody writes an event under the owner's fence, at the next place, and then takes the
  // partition, as a copy of the owner's memory would.
  TimeNs between_forged = 0;

  bool erasures = false;

  static Weather Draw(Dice& dice);
};

}  // namespace crm::simulation
