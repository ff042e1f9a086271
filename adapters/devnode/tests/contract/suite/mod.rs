//! The cases, each a function of a fresh server, and the list that turns each into a test.

pub mod access;
pub mod document;
pub mod filter;
pub mod index;
pub mod key;
pub mod new_key;
pub mod payload;
pub mod score;
pub mod search;
pub mod server;
pub mod settings;
pub mod task;

/// Expands the list of cases into tests against the server that `$start` starts.
macro_rules! cases {
    ($start:path) => {
        crate::suite::cases! { @list $start;
            access {
                health_needs_no_key,
                version_is_that_of_the_server,
                request_without_a_key_is_refused,
                request_with_a_wrong_key_is_refused,
                unknown_route_returns_404_without_a_body,
                wrong_method_returns_405_without_a_body,
            }
            index {
                creation_is_accepted_and_listed,
                creation_fails_when_the_index_exists,
                creation_refuses_bad_bodies,
                creation_needs_a_json_content_type,
                listing_is_sorted_and_paged,
                missing_index_is_not_found,
                invalid_uid_in_the_path_is_refused,
                update_sets_the_primary_key_while_empty,
                update_fails_once_documents_exist,
                update_renames_the_index,
                deletion_reports_its_documents,
                deletion_of_a_missing_index_fails,
                stats_count_documents_and_fields,
                stats_of_an_empty_server_have_no_update,
                stats_have_the_last_update_of_an_index,
                stats_refuse_unknown_parameters,
            }
            task {
                summary_and_task_have_their_fields,
                custom_metadata_is_kept_and_returned,
                enqueued_at_has_nanoseconds_and_is_kept,
                listing_is_newest_first_and_paged,
                listing_of_one_task_is_the_newest,
                listing_is_filtered,
                listing_of_uids_leaves_out_missing_tasks,
                listing_is_filtered_by_date,
                listing_is_reversed,
                listing_refuses_bad_parameters,
                missing_task_is_not_found,
                cancel_and_delete_need_a_filter,
                deletion_removes_finished_tasks,
                cancelation_leaves_finished_tasks,
            }
            key {
                default_keys_are_listed,
                listing_is_newest_first_and_paged,
                key_is_found_by_uid_and_by_text,
                update_changes_name_and_description,
                update_refuses_other_fields,
                deletion_removes_the_key,
                missing_key_is_not_found,
                routes_need_a_master_key,
            }
            new_key {
                creation_returns_the_key,
                creation_chooses_a_random_uid,
                creation_keeps_empty_and_repeated_values,
                creation_reads_other_forms_of_a_uid,
                creation_refuses_a_uid_that_exists,
                creation_needs_a_json_content_type,
                creation_needs_three_fields,
                creation_refuses_bad_uids,
                creation_refuses_bad_texts,
                creation_refuses_bad_lists,
                creation_refuses_the_first_bad_field,
                creation_refuses_global_actions_for_some_indexes,
                expiry_keeps_its_offset,
                expiry_must_be_in_the_future,
            }
            document {
                post_replaces_and_put_merges,
                primary_key_is_inferred,
                primary_key_without_a_candidate_fails,
                primary_key_with_several_candidates_fails,
                primary_key_that_differs_fails,
                primary_key_may_be_nested,
                ids_are_integers_or_plain_text,
                invalid_id_fails_the_whole_payload,
                missing_id_fails_the_whole_payload,
                empty_array_succeeds,
                distinct_ids_are_counted,
                get_finds_by_id_and_selects_fields,
                get_refuses_a_missing_document_or_index,
                fetch_pages_filters_and_sorts,
                fetch_refuses_bad_parameters,
                deletion_by_id_counts_existing_documents,
                deletion_by_batch_accepts_texts_and_numbers,
                deletion_by_filter_counts_matches,
                deletion_by_filter_needs_a_filter,
                deletion_of_all_keeps_the_index,
                deletion_in_a_missing_index_fails,
            }
            payload {
                one_object_is_a_payload,
                ndjson_objects_may_span_lines,
                malformed_json_is_refused,
                malformed_ndjson_is_refused,
                scalars_are_refused,
                csv_columns_have_types,
                csv_errors_are_refused,
                csv_delimiter_needs_csv,
                content_type_is_checked,
                empty_body_is_refused,
                unknown_parameters_are_refused,
            }
            settings {
                defaults_are_complete,
                update_changes_only_the_given_settings,
                sets_are_sorted_and_patterns_completed,
                null_resets_one_setting,
                deletion_resets_all,
                embedders_are_changed_by_fields_and_their_keys_are_cut,
                every_setting_has_its_route,
                sub_route_accepts_one_method,
                sub_route_update_and_reset,
                update_creates_the_index,
                reset_of_a_missing_index_fails,
                bad_values_are_refused,
                bad_values_on_sub_routes_are_refused,
            }
            filter {
                comparisons_find_their_documents,
                texts_are_compared_without_case,
                null_empty_and_missing_are_distinguished,
                logic_binds_and_before_or,
                arrays_are_conjunctions_of_disjunctions,
                attribute_must_be_filterable,
                attribute_in_an_index_without_filters_is_refused,
                syntax_errors_name_their_place,
                wrong_types_are_refused,
            }
            search {
                hits_follow_the_order_of_the_rules,
                typos_match_in_long_words,
                last_word_matches_beginnings,
                phrases_and_negations_are_exact,
                accents_and_case_do_not_matter,
                strategies_drop_words_in_their_order,
                sorts_follow_the_ranking_rules,
                sorts_put_missing_values_last,
                sort_attribute_must_be_sortable,
                pages_by_offset,
                pages_by_number,
                max_total_hits_limits_the_reachable_hits,
                facets_count_and_range,
                facets_are_ordered_and_cut,
                facet_must_be_filterable,
                distinct_keeps_the_first,
                distinct_must_be_filterable,
                attributes_are_selected,
                matches_are_highlighted,
                hidden_attributes_stay_hidden,
                searchable_attributes_are_ranked,
                restricted_search_uses_its_attributes,
                query_string_equals_the_body,
                bad_parameters_are_refused,
                missing_index_is_not_found,
            }
            score {
                details_list_each_rule_with_its_order,
                details_of_dropped_words_are_partial,
                details_of_an_empty_query_are_sorts,
                details_of_the_unified_attribute_rule,
                details_hide_undisplayed_attributes,
                custom_rules_take_their_place,
                score_excludes_sorts,
                threshold_drops_hits_below_it,
                proximity_counts_distance_and_direction,
                synonyms_and_stop_words_apply,
                typo_settings_apply,
            }
        }
    };
    (@list $start:path; $($module:ident { $($case:ident,)* })*) => {
        $(
            mod $module {
                $(
                    #[tokio::test]
                    async fn $case() {
                        let server = ($start)().await;
                        crate::suite::$module::$case(&server).await;
                    }
                )*
            }
        )*
    };
}

pub(crate) use cases;
