#include "services/contact/domain/profile_message.h"

namespace crm::contact {

PostalAddress ReadAddress(const v1::PostalAddress& message) {
  return {.lines = ToVector(message.lines()),
          .locality = message.locality(),
          .administrative_area = message.administrative_area(),
          .postal_code = message.postal_code(),
          .region_code = message.region_code(),
          .label = message.label()};
}

void WriteAddress(const PostalAddress& address, v1::PostalAddress* message) {
  for (const auto& line : address.lines) message->add_lines(line);
  message->set_locality(address.locality);
  message->set_administrative_area(address.administrative_area);
  message->set_postal_code(address.postal_code);
  message->set_region_code(address.region_code);
  message->set_label(address.label);
}

}  // namespace crm::contact
