//! The list of all cases.

/// Expands to one test per case for the harness `$harness`.
macro_rules! suite {
    ($harness:ty) => {
        crate::suite::area!($harness, round_trip: [
            create_returns_the_row_that_get_reads,
            create_stores_a_failed_task_as_finished,
            put_stores_every_field,
            index_entry_reads_back_as_written,
            node_settings_read_back_as_written,
            get_returns_none_without_a_row,
            ping_changes_nothing_visible,
        ]);
        crate::suite::area!($harness, precondition: [
            task_put_conflicts_on_another_version,
            task_put_conflicts_without_a_row,
            task_put_succeeds_once_per_version,
            task_put_refuses_to_move_a_status_back,
            task_put_allows_every_status_to_move_forward,
            task_put_prefers_conflict_to_refusal,
            index_create_changes_nothing_when_the_uid_is_taken,
            index_put_conflicts_on_another_version,
            index_delete_removes_its_node_settings,
            index_delete_leaves_another_index_of_the_name,
            deleted_physical_uids_are_known_for_ever,
            node_settings_never_go_back,
            put_refuses_a_version_that_cannot_grow,
        ]);
        crate::suite::area!($harness, listing: [
            pages_newest_first,
            pages_oldest_first_when_reversed,
            from_is_inclusive_and_need_not_exist,
            limit_of_zero_returns_the_first_uid_as_next,
            every_filter_and_combination_agrees_with_the_model,
            empty_filter_matches_nothing,
            pages_cover_every_match_once,
            total_follows_every_change,
            unfinished_tasks_come_oldest_first,
            indexes_come_in_byte_order,
            node_settings_come_by_node,
        ]);
        crate::suite::area!($harness, pruning: [
            prune_takes_the_earliest_finished_first,
            prune_spares_unfinished_tasks,
            prune_bound_is_exclusive,
            uids_are_not_reused_after_pruning,
        ]);
        crate::suite::area!($harness, concurrency: [
            uids_are_unique_and_growing_under_many_callers,
            one_of_many_contenders_wins_a_put,
            no_update_is_lost,
            one_of_many_creators_wins,
            highest_settings_version_stays,
            dropped_call_is_applied_as_a_whole_or_not_at_all,
            acknowledged_change_is_seen_by_the_next_call,
        ]);
        crate::suite::area!($harness, reopening: [
            everything_survives,
            uids_continue_after_reopening,
            skipped_uids_are_never_given,
            versions_continue_after_reopening,
            closed_store_refuses_every_call,
            close_finishes_accepted_calls,
        ]);
        crate::suite::area!($harness, hostile: [
            texts_of_every_kind_read_back,
            mebibyte_of_json_reads_back,
            numbers_at_their_limits_read_back,
            times_at_their_limits_read_back_and_are_found,
            versions_beyond_63_bits_read_back_and_advance,
            names_at_their_limits_are_distinct_keys,
            json_of_the_greatest_depth_reads_back_and_deeper_is_refused,
        ]);
        crate::suite::area!($harness, alias: [
            alias_reads_back_with_its_history,
            flip_succeeds_once_per_version,
            one_of_many_flips_wins,
            swap_changes_both_or_neither,
            aliases_come_in_byte_order_page_by_page,
        ]);
        crate::suite::area!($harness, session: [
            session_reads_back_and_is_replaced,
            session_expires_to_the_millisecond,
            least_recently_used_sessions_are_evicted,
            purge_removes_expired_sessions_alone,
        ]);
        crate::suite::area!($harness, idempotency: [
            completed_request_returns_its_task_again,
            expired_reservation_is_taken_over_to_the_millisecond,
            one_of_many_reservations_wins,
            purge_removes_expired_keys_alone,
        ]);
        crate::suite::area!($harness, identity: [
            cluster_is_created_once_and_reads_back,
            one_of_many_clusters_is_created,
            cluster_changes_once_per_version,
            version_of_the_cluster_cannot_wrap,
            nodes_read_back_in_byte_order,
            handle_of_a_term_that_is_over_changes_no_identity,
        ]);
        crate::suite::area!($harness, job: [
            job_reads_back_and_is_queued_once,
            claimed_job_is_worked_on_with_its_token,
            expired_claim_returns_to_the_queue_until_attempts_are_used_up,
            job_ends_by_failure_retry_and_cancel,
            every_job_is_claimed_by_one_claimant,
            queue_and_tokens_continue_after_reopening,
        ]);
        crate::suite::area!($harness, job_death: [
            every_job_ends_once_while_workers_die,
        ]);
        crate::suite::area!($harness, lease: [
            term_runs_to_the_millisecond_and_tokens_grow,
            term_is_renewed_and_released_by_its_holder_and_token_alone,
            one_of_many_acquires,
            tokens_continue_after_reopening,
            handle_of_a_term_that_is_over_changes_nothing,
        ]);
        crate::suite::area!($harness, canary: [
            canary_reads_back_and_changes_once_per_version,
            newest_runs_are_kept,
        ]);
        crate::suite::area!($harness, change: [
            cursor_never_goes_back_unless_rewound,
            highest_cursor_stays,
            events_appear_with_the_end_of_their_task_alone,
            numbers_grow_by_one_per_sink_and_index,
            budget_drops_the_oldest_and_moves_trimmed_to,
            numbers_have_no_holes_under_many_writers,
        ]);
        crate::suite::area!($harness, capture: [
            changes_of_a_task_are_kept_until_it_ends,
            task_created_as_failed_has_no_changes,
            delivered_events_are_kept_for_rewinding_and_never_lost,
            events_without_a_task_are_appended_on_the_same_terms,
            positions_name_every_index_of_a_sink,
            sink_states_read_back,
        ]);
        crate::suite::area!($harness, replica: [
            marks_add_up_and_the_first_reason_stays,
            stamps_continue_after_rows_were_removed_and_after_reopening,
            repair_removes_what_it_has_seen_and_nothing_newer,
            marks_and_repairs_at_once_do_not_undo_each_other,
            every_concurrent_mark_takes_effect,
            forgetting_an_index_spares_others,
            replicas_come_in_the_byte_order_of_index_and_node,
            thousands_of_replicas_are_marked_and_listed,
            ten_thousand_shards_are_marked_and_repaired,
            handle_of_a_term_that_is_over_changes_no_replica,
            recovery_reads_back_and_is_replaced,
        ]);
        crate::suite::area!($harness, consequence: [
            marks_and_events_appear_with_their_task_alone,
            refused_put_stores_no_consequences,
            budget_applies_to_events_with_marks,
            marks_of_many_tasks_all_take_effect,
        ]);
        crate::suite::area!($harness, committed_settings: [
            settings_read_back_and_are_replaced_and_forgotten,
            settings_change_once_per_version,
            every_concurrent_proposal_takes_effect,
            settings_appear_with_the_end_of_their_task_alone,
            settings_that_could_not_be_read_back_are_refused,
            handle_of_a_term_that_is_over_changes_no_settings,
        ]);
        crate::suite::area!($harness, row: [
            tenants_are_listed_in_the_order_of_their_hashes,
            policies_change_once_per_version,
            search_pages_change_once_per_version,
        ]);
        crate::suite::area!($harness, access: [
            keys_rotate_one_generation_at_a_time,
            observations_expire_after_a_minute_of_silence,
            silent_instance_may_record_a_lower_generation,
            admin_session_expires_to_the_millisecond,
            revoked_session_stays_revoked,
            every_subscriber_receives_revocations,
            window_allows_its_limit_and_no_more,
            window_allows_exactly_its_limit_under_many_callers,
            login_waits_after_failures,
            login_failures_are_forgotten_after_two_days,
            concurrent_guesses_count,
        ]);
    };
}

/// Expands to one test per case of one area.
macro_rules! area {
    ($harness:ty, $area:ident: [$($case:ident,)*]) => {
        mod $area {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    crate::case::$area::$case::<$harness>().await;
                }
            )*
        }
    };
}

pub(crate) use {area, suite};
