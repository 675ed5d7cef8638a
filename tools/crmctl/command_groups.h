#pragma once

#include "tools/crmctl/command_tree.h"

// The commands, group by group: what each is called, takes and does.
namespace crm::crmctl {

void AddContactImport(CommandTree& tree, CLI::App* import);
// Orders, campaigns, sends, responses.
void AddFactImports(CommandTree& tree, CLI::App* import);
void AddContactCommands(CommandTree& tree);
// Of the group `contact`: purge.
void AddContactPurge(CommandTree& tree, CLI::App* contact);
// Long-running operations.
void AddOperationCommands(CommandTree& tree);
// Doubts about contacts' data, and the scorecard.
void AddQualityCommands(CommandTree& tree);
// Consents and the life cycle.
void AddConsentCommands(CommandTree& tree);
// Orders and interactions.
void AddInteractionCommands(CommandTree& tree);
// Segments, campaigns and sends.
void AddCampaignCommands(CommandTree& tree);
// Scores, the view of one customer, the report.
void AddAnalyticsCommands(CommandTree& tree);
void AddLogCommands(CommandTree& tree);
// Those of `log` that move it as a whole.
void AddMovingCommands(CommandTree& tree, CLI::App* log);
void AddProjectionCommands(CommandTree& tree);
void AddStatusCommands(CommandTree& tree);
// Tenants and their settings.
void AddTenantCommands(CommandTree& tree);
// Topics on Kafka.
void AddTopicsCommands(CommandTree& tree);

}  // namespace crm::crmctl
