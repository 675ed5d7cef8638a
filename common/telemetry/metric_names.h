#pragma once

// Every metric of the project. No tenant or aggregate id is ever a label. Seconds, bytes and
// counts.
namespace crm::metric {

struct Name {
  const char* name;
  const char* help;
};

// Labels grpc_type, grpc_service, grpc_method; grpc_code with handled.
inline constexpr Name kGrpcStarted{"grpc_server_started_total", "Calls begun"};
inline constexpr Name kGrpcHandled{"grpc_server_handled_total", "Calls ended, by status code"};
inline constexpr Name kGrpcSeconds{"grpc_server_handling_seconds",
                                   "Time from a call's arrival to its answer"};
// Labels service, type.
inline constexpr Name kEventsAppended{"crm_events_appended_total", "Events confirmed by the log"};
// Label topic.
inline constexpr Name kAppendSeconds{"crm_append_seconds",
                                     "Time from an append to its confirmation"};
// Label service.
inline constexpr Name kCommandConflicts{"crm_command_conflicts_total",
                                        "Commands refused for a stale etag"};
inline constexpr Name kIdempotentReplays{"crm_idempotent_replays_total",
                                         "Commands answered from an earlier execution"};
// Labels service, projection, partition.
inline constexpr Name kProjectionPosition{"crm_projection_position", "Next offset to read"};
inline constexpr Name kProjectionLag{"crm_projection_lag_events",
                                     "Records of the log not read yet"};
// Labels service, projection.
inline constexpr Name kProjectionRebuilding{"crm_projection_rebuild_in_progress",
                                            "1 while the projection is being rebuilt"};
inline constexpr Name kQuarantined{"crm_quarantined_aggregates", "Subjects that answer DATA_LOSS"};
// Label topic.
inline constexpr Name kFencedWrites{"crm_fenced_writes_total",
                                    "Records skipped because another owner had taken over"};
// Labels service, reaction.
inline constexpr Name kReactionEvents{"crm_reaction_events_total", "Events reacted to"};
inline constexpr Name kReactionCommands{"crm_reaction_commands_total",
                                        "Commands of reactions that were answered"};
inline constexpr Name kReactionRefused{"crm_reaction_refused_total",
                                       "Commands of reactions that were refused"};
inline constexpr Name kReactionRetries{"crm_reaction_retries_total",
                                       "Steps and records of reactions that were tried again"};
inline constexpr Name kReactionLag{"crm_reaction_lag_events",
                                   "Records of the source topic not reacted to yet"};
// Label reason.
inline constexpr Name kShed{"crm_shed_requests_total", "Calls and items refused under load"};
inline constexpr Name kInFlight{"crm_inflight", "Calls and items accepted and not answered yet"};
// Labels version, commit.
inline constexpr Name kBuildInfo{"crm_build_info", "Always 1"};

}  // namespace crm::metric
