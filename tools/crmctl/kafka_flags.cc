#include "tools/crmctl/kafka_flags.h"

namespace crm::crmctl {

void AddKafkaConnectionOptions(CLI::App* command, KafkaConnection* to) {
  constexpr char kGroup[] = "Connection to Kafka";
  const auto add = [&](const char* name, const char* env, std::string* value, const char* what) {
    command->add_option(name, *value, what)->envname(env)->group(kGroup);
  };
  command->add_flag("--kafka-tls", to->tls, "Speak TLS with the brokers")
      ->envname("CRM_KAFKA_TLS")
      ->group(kGroup);
  add("--kafka-ca-file", "CRM_KAFKA_CA_FILE", &to->ca_file,
      "PEM file of the authority that signed their certificates");
  add("--kafka-certificate-file", "CRM_KAFKA_CERTIFICATE_FILE", &to->certificate_file,
      "PEM file of this client's certificate");
  add("--kafka-key-file", "CRM_KAFKA_KEY_FILE", &to->key_file, "PEM file of its key");
  add("--kafka-sasl-mechanism", "CRM_KAFKA_SASL_MECHANISM", &to->sasl_mechanism,
      "PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512");
  add("--kafka-sasl-username", "CRM_KAFKA_SASL_USERNAME", &to->sasl_username, "User");
  add("--kafka-sasl-password-file", "CRM_KAFKA_SASL_PASSWORD_FILE", &to->sasl_password_file,
      "File whose first line is the password");
}

}  // namespace crm::crmctl
