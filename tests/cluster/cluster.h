#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/base/secret.h"
#include "tests/cluster/callers.h"
#include "tests/support/kafka_cluster.h"
#include "tests/support/server_process.h"
#include "tests/support/temp_directory.h"

namespace crm {

// Silent for so long, a replica loses its partitions.
inline constexpr TimeNs kSessionTimeout = 3 * kSecond;

// The program of the contact service.
std::string ContactBinary();

// Replicas of the contact service over brokers of their own: one secret, fresh topics. Each replica
// has a name, which is its instance name, and a data directory that outlives its process. What a
// method promises it waits for; where that does not come the error tells. One thread.
class Cluster {
 public:
  Cluster();
  ~Cluster();

  // The brokers. `name` is the test's.
  absl::Status Start(const std::string& name, int brokers = 1);

  // Starts a replica, by its data directory if it ran before; returns when it answers.
  absl::Status StartReplica(const std::string& name);
  // A process of its own with the instance name of another replica; nothing is waited for.
  ServerProcess& LaunchNamesake(const std::string& instance);
  // Ends what runs of it and takes its data away.
  void Forget(const std::string& name);

  ServerProcess& replica(const std::string& name) { return *replicas_.at(name); }
  std::vector<std::string> names() const;
  // Of one that runs.
  const ContactClient& client(const std::string& name) const { return *clients_.at(name); }
  KafkaCluster& brokers() { return *brokers_; }
  // Where writers find the replicas.
  Callers& callers() { return callers_; }
  const Secret& secret() const { return *secret_; }
  std::string SecretFile() const { return directory_.File("secret"); }
  // Flags that every process of the cluster needs.
  std::vector<std::string> EngineFlags(const std::string& instance) const;

  // Partitions for which the replica accepts commands; -1 where it does not answer.
  int Owned(const std::string& name) const;
  // Every partition has one owner among `names`, and each of these owns some.
  bool Settled(const std::vector<std::string>& names) const;
  absl::Status WaitUntilSettled(TimeNs wait);
  // Every replica has folded all there is, into the core and every view.
  absl::Status WaitUntilFolded(TimeNs wait);

  // What the processes wrote, for a test that failed.
  std::string Errors() const;

 private:
  TempDirectory directory_;
  std::unique_ptr<KafkaCluster> brokers_;
  std::unique_ptr<Secret> secret_;
  std::map<std::string, std::unique_ptr<ServerProcess>> replicas_;
  std::map<std::string, std::unique_ptr<ContactClient>> clients_;
  std::vector<std::unique_ptr<ServerProcess>> namesakes_;
  Callers callers_;
};

}  // namespace crm
