#pragma once

#include <CLI/CLI.hpp>

#include "common/log/kafka/kafka_options.h"

namespace crm::crmctl {

// How the brokers want to be spoken to: the options of the servers, without the bootstrap address.
void AddKafkaConnectionOptions(CLI::App* command, KafkaConnection* to);

}  // namespace crm::crmctl
