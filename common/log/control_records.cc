#include "common/log/control_records.h"

#include <crm/common/v1/log_control.pb.h>

namespace crm {
namespace {

Record Control(RecordKind kind, const common::v1::LogControl& control) {
  Record record;
  record.kind = kind;
  record.value = control.SerializeAsString();
  return record;
}

}  // namespace

Record GenesisRecord(const LogIdentity& identity) {
  common::v1::LogControl control;
  control.mutable_genesis()->set_log_id(identity.log_id);
  control.mutable_genesis()->set_secret_check(identity.secret_check);
  return Control(RecordKind::kGenesis, control);
}

Record EpochRecord(int64_t number) {
  common::v1::LogControl control;
  control.mutable_epoch()->set_number(number);
  return Control(RecordKind::kEpoch, control);
}

std::vector<Record> FirstRecords(const LogIdentity& identity) {
  std::vector<Record> first = {GenesisRecord(identity)};
  if (identity.epoch > 0) first.push_back(EpochRecord(identity.epoch));
  return first;
}

}  // namespace crm
