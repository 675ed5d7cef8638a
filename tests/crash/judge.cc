#include "tests/crash/judge.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <unordered_map>

#include "crm/contact/v1/contact_events.pb.h"
#include "tests/support/eventually.h"

namespace crm {
namespace {

namespace cv = contact::v1;

constexpr size_t kMaxBreaches = 20;
constexpr size_t kClients = 8;
constexpr TimeNs kChangesHands = 30 * kSecond;
// Contacts of one version whose revisions are read, too.
constexpr size_t kSampledContacts = 2000;

struct Recorded {
  std::string name;
  int64_t version = 0;
  int times = 0;
};

class Judgement {
 public:
  Judgement(const ContactClient& client, const std::vector<WriterHistory>& histories)
      : client_(client) {
    for (const WriterHistory& history : histories) {
      for (const std::string& surprise : history.surprises) Add(surprise);
      for (const CommandRecord& command : history.commands) commands_.push_back(&command);
    }
  }

  std::vector<std::string> Run() {
    CheckLog();
    CheckResources();
    CheckRevisions();
    CheckRepeats();
    CheckStores();
    return std::move(breaches_);
  }

 private:
  void Add(std::string breach) {
    MutexLock lock(mutex_);
    if (breaches_.size() < kMaxBreaches) breaches_.push_back(std::move(breach));
  }
  void AddStatus(const std::string& doing, const absl::Status& status) {
    if (!status.ok()) Add(doing + ": " + status.ToString());
  }

  void CheckLog() {
    AddStatus("reading the log", client_.ReadEvents([this](const admin::v1::LogEntry& entry) {
      cv::ContactRecord record;
      if (!record.ParseFromString(entry.value())) return Add("an event cannot be parsed");
      const auto& metadata = record.metadata();
      int64_t& version = versions_[metadata.aggregate()];
      if (metadata.aggregate_version() != ++version) {
        Add(fmt::format("{} has version {} where {} comes next", metadata.aggregate(),
                        metadata.aggregate_version(), version));
      }
      Recorded& recorded = recorded_[metadata.request_id()];
      recorded.name = metadata.aggregate();
      recorded.version = metadata.aggregate_version();
      ++recorded.times;
    }));
    size_t acknowledged = 0;
    for (const CommandRecord* command : commands_) {
      const auto found = recorded_.find(command->request_id);
      const int times = found == recorded_.end() ? 0 : found->second.times;
      if (times != (command->acknowledged ? 1 : 0)) {
        Add(fmt::format("{} ({}) is in the log {} times", command->request_id,
                        command->acknowledged ? "acknowledged" : "refused", times));
        continue;
      }
      if (!command->acknowledged) continue;
      ++acknowledged;
      if (found->second.name == command->name && found->second.version == command->version)
        continue;
      Add(fmt::format("{} was answered version {} and is recorded as version {}",
                      command->request_id, command->version, found->second.version));
    }
    if (acknowledged == recorded_.size()) return;
    Add(fmt::format("the log holds {} commands, {} were acknowledged", recorded_.size(),
                    acknowledged));
  }

  void CheckResources() {
    for (const CommandRecord* command : commands_) {
      if (command->acknowledged) answers_[command->name][command->version] = &command->contact;
    }
    cv::ListContactsRequest request;
    request.set_page_size(1000);
    request.set_view(cv::FULL);
    std::vector<cv::Contact> contacts;
    AddStatus("listing contacts",
              client_.ListAll(request, &contacts, {{{"crm-consistency", "strong"}}, 30 * kSecond}));
    if (contacts.size() != versions_.size()) {
      Add(fmt::format("{} contacts are listed, {} were born", contacts.size(), versions_.size()));
    }
    for (const cv::Contact& contact : contacts) {
      const int64_t version = versions_[contact.name()];
      const std::string* expected = answers_[contact.name()][version];
      if (expected == nullptr || *expected == contact.SerializeAsString()) continue;
      Add(fmt::format("{} is not as it was answered at version {}", contact.name(), version));
    }
  }

  void CheckRevisions() {
    std::vector<std::string> names;
    size_t sampled = 0;
    for (const auto& [name, version] : versions_) {
      if (version > 1 || ++sampled <= kSampledContacts) names.push_back(name);
    }
    OverAll(names, [this](const ContactClient& client, const std::string& name) {
      std::vector<cv::ContactRevision> revisions;
      AddStatus("revisions of " + name, client.AllRevisions(name, &revisions));
      if (static_cast<int64_t>(revisions.size()) != versions_.at(name)) {
        return Add(
            fmt::format("{} has {} revisions, not {}", name, revisions.size(), versions_.at(name)));
      }
      int64_t version = 0;
      for (const auto& revision : revisions) CheckRevision(name, ++version, revision);
      const auto now = client.Get(name);
      if (now.ok() &&
          now.response.SerializeAsString() == revisions.back().contact().SerializeAsString()) {
        return;
      }
      Add(name + " is not as its last revision shows it");
    });
  }

  void CheckRevision(const std::string& name, int64_t version,
                     const cv::ContactRevision& revision) {
    if (revision.version() != version) Add(name + " has a gap in its revisions");
    const auto& answers = answers_.at(name);
    const auto answer = answers.find(version);
    if (answer == answers.end() || *answer->second == revision.contact().SerializeAsString())
      return;
    Add(fmt::format("revision {} of {} is not as it was answered", version, name));
  }

  void CheckRepeats() {
    std::vector<const CommandRecord*> creates;
    for (const CommandRecord* command : commands_) {
      if (!command->request.empty()) creates.push_back(command);
    }
    const std::vector<int64_t> before = client_.LogEnd();
    OverAll(creates, [&](const ContactClient& client, const CommandRecord* command) {
      cv::CreateContactRequest request;
      request.ParseFromString(command->request);
      auto answer = client.Create(request);
      // As every caller does while a partition changes hands.
      (void)Eventually(kChangesHands, [&] {
        if (!absl::IsUnavailable(answer.status)) return true;
        answer = client.Create(request);
        return answer.ok();
      });
      if (!answer.ok()) return AddStatus("repeat of " + command->request_id, answer.status);
      if (answer.response.SerializeAsString() == command->contact) return;
      Add("the repeat of " + command->request_id + " got another answer than the first");
    });
    CheckNoEventSince(before);
  }

  // Ownership records may follow: partitions change hands when they like.
  void CheckNoEventSince(const std::vector<int64_t>& ends) {
    size_t at = 0;
    const auto status = client_.Status();
    AddStatus("status", status.status);
    for (const auto& service : status.response.services()) {
      for (const auto& partition : service.partitions()) {
        const int64_t end = ends.at(at++);
        if (partition.end_offset() == end) continue;
        admin::v1::ReadLogRequest request;
        request.set_topic(service.topic());
        request.add_partitions(partition.partition());
        request.set_from_offset(end);
        request.set_valid_only(true);
        AddStatus("reading the log",
                  client_.Stream<admin::v1::LogEntry>("/crm.admin.v1.AdminService/ReadLog", request,
                                                      [this](const admin::v1::LogEntry& entry) {
                                                        if (entry.kind() == "event")
                                                          Add("repeats have added " + entry.text());
                                                        return true;
                                                      },
                                                      {{}, 300 * kSecond}));
      }
    }
  }

  void CheckStores() {
    AddStatus("verifying the log", client_.VerifyLog());
    for (const char* projection : {"core", "contact-index"}) {
      AddStatus(std::string("verifying ") + projection, client_.Verify(projection));
    }
  }

  template <typename Item, typename Check>
  void OverAll(const std::vector<Item>& items, Check check) {
    std::atomic<size_t> next{0};
    std::vector<std::thread> threads;
    for (size_t i = 0; i < kClients; ++i) {
      threads.emplace_back([&] {
        for (size_t at = next++; at < items.size(); at = next++) check(client_, items[at]);
      });
    }
    for (std::thread& thread : threads) thread.join();
  }

  const ContactClient& client_;
  Mutex mutex_;
  std::vector<std::string> breaches_;
  std::vector<const CommandRecord*> commands_;
  std::unordered_map<std::string, Recorded> recorded_;
  std::unordered_map<std::string, int64_t> versions_;
  std::unordered_map<std::string, std::unordered_map<int64_t, const std::string*>> answers_;
};

}  // namespace

std::vector<std::string> Judge(const ContactClient& client,
                               const std::vector<WriterHistory>& histories) {
  return Judgement(client, histories).Run();
}

}  // namespace crm
