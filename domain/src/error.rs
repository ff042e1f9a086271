//! Error codes, and the body of an error response of Meilisearch and of Miroir.

use serde::{Deserialize, Serialize};

use crate::word::words;

/// The page that explains the codes of Meilisearch.
const MEILISEARCH_DOCS: &str = "https://docs.meilisearch.com/errors";
/// The path of the page that explains Miroir's own codes. Miroir serves it, and the HTTP adapter makes
/// links to it absolute.
const MIROIR_DOCS: &str = "/_miroir/docs/errors";

/// `{message, code, type, link}`: the body of every error response, and the `error` of a failed task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResponseError {
    /// A sentence for people.
    pub message: String,
    /// A word for programs.
    pub code: String,
    /// `invalid_request`, `internal`, `auth` or `system`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The page that explains the code.
    pub link: String,
}

words! {
    /// The `type` of an error body. It says who can remedy the error.
    pub enum ErrorKind("error type", "types") {
        /// The client, by sending something else.
        InvalidRequest = "invalid_request",
        /// The developers of Miroir.
        Internal = "internal",
        /// The client, by sending the right key.
        Auth = "auth",
        /// The operator: a node, the store, the disk.
        System = "system",
    }
}

macro_rules! error_codes {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $kind:ident;)*) => {
        words! {
            /// Every error code that Miroir itself raises. Codes that only nodes raise pass through as text.
            #[non_exhaustive]
            pub enum ErrorCode("error code", "codes") { $($(#[$doc])* $variant = $code,)* }
        }

        impl ErrorCode {
            /// Returns the `type` in the error body.
            pub fn kind(self) -> ErrorKind {
                match self { $(Self::$variant => ErrorKind::$kind,)* }
            }
        }
    };
}

error_codes! {
    /// A parameter or body that fits no more specific code.
    BadRequest = "bad_request", InvalidRequest;
    /// No `Authorization` header on a route that needs a key.
    MissingAuthorizationHeader = "missing_authorization_header", Auth;
    /// A key without access to the route.
    InvalidApiKey = "invalid_api_key", Auth;
    /// A path that does not exist, or does not take the method.
    NotFound = "not_found", InvalidRequest;
    /// The index does not exist.
    IndexNotFound = "index_not_found", InvalidRequest;
    /// The index exists already.
    IndexAlreadyExists = "index_already_exists", InvalidRequest;
    /// The document does not exist.
    DocumentNotFound = "document_not_found", InvalidRequest;
    /// The task does not exist.
    TaskNotFound = "task_not_found", InvalidRequest;
    /// A name that is not a valid index uid.
    InvalidIndexUid = "invalid_index_uid", InvalidRequest;
    /// No `uid` in the body that creates an index.
    MissingIndexUid = "missing_index_uid", InvalidRequest;
    /// `primaryKey` of an index is not a string.
    InvalidIndexPrimaryKey = "invalid_index_primary_key", InvalidRequest;
    /// `offset` of the index list.
    InvalidIndexOffset = "invalid_index_offset", InvalidRequest;
    /// `limit` of the index list.
    InvalidIndexLimit = "invalid_index_limit", InvalidRequest;
    /// A document without an id.
    MissingDocumentId = "missing_document_id", InvalidRequest;
    /// A document whose id is neither an integer nor short plain text.
    InvalidDocumentId = "invalid_document_id", InvalidRequest;
    /// `offset` of a document list.
    InvalidDocumentOffset = "invalid_document_offset", InvalidRequest;
    /// `limit` of a document list.
    InvalidDocumentLimit = "invalid_document_limit", InvalidRequest;
    /// `fields` of a document list.
    InvalidDocumentFields = "invalid_document_fields", InvalidRequest;
    /// `retrieveVectors` of a document read.
    InvalidDocumentRetrieveVectors = "invalid_document_retrieve_vectors", InvalidRequest;
    /// `ids` of a document list.
    InvalidDocumentIds = "invalid_document_ids", InvalidRequest;
    /// `sort` of a document list.
    InvalidDocumentSort = "invalid_document_sort", InvalidRequest;
    /// `skipCreation` of a document write.
    InvalidSkipCreation = "invalid_skip_creation", InvalidRequest;
    /// A malformed filter over documents.
    InvalidDocumentFilter = "invalid_document_filter", InvalidRequest;
    /// No filter in a deletion by filter.
    MissingDocumentFilter = "missing_document_filter", InvalidRequest;
    /// `csvDelimiter` is not one ASCII character, or is used with another format.
    InvalidDocumentCsvDelimiter = "invalid_document_csv_delimiter", InvalidRequest;
    /// No attribute of the first document ends in `id`.
    IndexPrimaryKeyNoCandidateFound = "index_primary_key_no_candidate_found", InvalidRequest;
    /// Several attributes of the first document end in `id`.
    IndexPrimaryKeyMultipleCandidatesFound = "index_primary_key_multiple_candidates_found", InvalidRequest;
    /// The index has another primary key than the request names.
    IndexPrimaryKeyAlreadyExists = "index_primary_key_already_exists", InvalidRequest;
    /// A body without a content type.
    MissingContentType = "missing_content_type", InvalidRequest;
    /// A content type that the route does not read.
    InvalidContentType = "invalid_content_type", InvalidRequest;
    /// An empty body.
    MissingPayload = "missing_payload", InvalidRequest;
    /// A body that does not match its content type.
    MalformedPayload = "malformed_payload", InvalidRequest;
    /// A body over the limit.
    PayloadTooLarge = "payload_too_large", InvalidRequest;
    /// `uids` of the task list.
    InvalidTaskUids = "invalid_task_uids", InvalidRequest;
    /// `batchUids` of the task list.
    InvalidBatchUids = "invalid_batch_uids", InvalidRequest;
    /// `statuses` of the task list.
    InvalidTaskStatuses = "invalid_task_statuses", InvalidRequest;
    /// `types` of the task list.
    InvalidTaskTypes = "invalid_task_types", InvalidRequest;
    /// `canceledBy` of the task list.
    InvalidTaskCanceledBy = "invalid_task_canceled_by", InvalidRequest;
    /// `limit` of the task list.
    InvalidTaskLimit = "invalid_task_limit", InvalidRequest;
    /// `from` of the task list.
    InvalidTaskFrom = "invalid_task_from", InvalidRequest;
    /// `reverse` of the task list.
    InvalidTaskReverse = "invalid_task_reverse", InvalidRequest;
    /// `afterEnqueuedAt` of the task list.
    InvalidTaskAfterEnqueuedAt = "invalid_task_after_enqueued_at", InvalidRequest;
    /// `beforeEnqueuedAt` of the task list.
    InvalidTaskBeforeEnqueuedAt = "invalid_task_before_enqueued_at", InvalidRequest;
    /// `afterStartedAt` of the task list.
    InvalidTaskAfterStartedAt = "invalid_task_after_started_at", InvalidRequest;
    /// `beforeStartedAt` of the task list.
    InvalidTaskBeforeStartedAt = "invalid_task_before_started_at", InvalidRequest;
    /// `afterFinishedAt` of the task list.
    InvalidTaskAfterFinishedAt = "invalid_task_after_finished_at", InvalidRequest;
    /// `beforeFinishedAt` of the task list.
    InvalidTaskBeforeFinishedAt = "invalid_task_before_finished_at", InvalidRequest;
    /// `q` of a search.
    InvalidSearchQ = "invalid_search_q", InvalidRequest;
    /// `offset` of a search.
    InvalidSearchOffset = "invalid_search_offset", InvalidRequest;
    /// `limit` of a search.
    InvalidSearchLimit = "invalid_search_limit", InvalidRequest;
    /// `page` of a search.
    InvalidSearchPage = "invalid_search_page", InvalidRequest;
    /// `hitsPerPage` of a search.
    InvalidSearchHitsPerPage = "invalid_search_hits_per_page", InvalidRequest;
    /// `attributesToRetrieve` of a search.
    InvalidSearchAttributesToRetrieve = "invalid_search_attributes_to_retrieve", InvalidRequest;
    /// `attributesToCrop` of a search.
    InvalidSearchAttributesToCrop = "invalid_search_attributes_to_crop", InvalidRequest;
    /// `cropLength` of a search.
    InvalidSearchCropLength = "invalid_search_crop_length", InvalidRequest;
    /// `attributesToHighlight` of a search.
    InvalidSearchAttributesToHighlight = "invalid_search_attributes_to_highlight", InvalidRequest;
    /// `showMatchesPosition` of a search.
    InvalidSearchShowMatchesPosition = "invalid_search_show_matches_position", InvalidRequest;
    /// `showRankingScore` of a search.
    InvalidSearchShowRankingScore = "invalid_search_show_ranking_score", InvalidRequest;
    /// `showRankingScoreDetails` of a search.
    InvalidSearchShowRankingScoreDetails = "invalid_search_show_ranking_score_details", InvalidRequest;
    /// `filter` of a search.
    InvalidSearchFilter = "invalid_search_filter", InvalidRequest;
    /// `sort` of a search.
    InvalidSearchSort = "invalid_search_sort", InvalidRequest;
    /// `facets` of a search.
    InvalidSearchFacets = "invalid_search_facets", InvalidRequest;
    /// `distinct` of a search.
    InvalidSearchDistinct = "invalid_search_distinct", InvalidRequest;
    /// `matchingStrategy` of a search.
    InvalidSearchMatchingStrategy = "invalid_search_matching_strategy", InvalidRequest;
    /// `rankingScoreThreshold` of a search.
    InvalidSearchRankingScoreThreshold = "invalid_search_ranking_score_threshold", InvalidRequest;
    /// `cropMarker` of a search.
    InvalidSearchCropMarker = "invalid_search_crop_marker", InvalidRequest;
    /// `highlightPreTag` of a search.
    InvalidSearchHighlightPreTag = "invalid_search_highlight_pre_tag", InvalidRequest;
    /// `highlightPostTag` of a search.
    InvalidSearchHighlightPostTag = "invalid_search_highlight_post_tag", InvalidRequest;
    /// `attributesToSearchOn` of a search.
    InvalidSearchAttributesToSearchOn = "invalid_search_attributes_to_search_on", InvalidRequest;
    /// `locales` of a search.
    InvalidSearchLocales = "invalid_search_locales", InvalidRequest;
    /// `hybrid` of a search.
    InvalidSearchHybridQuery = "invalid_search_hybrid_query", InvalidRequest;
    /// `hybrid.embedder` of a search.
    InvalidSearchEmbedder = "invalid_search_embedder", InvalidRequest;
    /// `hybrid.semanticRatio` of a search.
    InvalidSearchSemanticRatio = "invalid_search_semantic_ratio", InvalidRequest;
    /// `vector` of a search without `hybrid`.
    MissingSearchHybrid = "missing_search_hybrid", InvalidRequest;
    /// `vector` of a search.
    InvalidSearchVector = "invalid_search_vector", InvalidRequest;
    /// `retrieveVectors` of a search.
    InvalidSearchRetrieveVectors = "invalid_search_retrieve_vectors", InvalidRequest;
    /// `media` of a search.
    InvalidSearchMedia = "invalid_search_media", InvalidRequest;
    /// `personalize` of a search.
    InvalidSearchPersonalize = "invalid_search_personalize", InvalidRequest;
    /// `personalize.userContext` of a search.
    InvalidSearchPersonalizeUserContext = "invalid_search_personalize_user_context", InvalidRequest;
    /// `useNetwork` of a search.
    InvalidSearchUseNetwork = "invalid_search_use_network", InvalidRequest;
    /// `showPerformanceDetails` of a search.
    InvalidSearchShowPerformanceDetails = "invalid_search_show_performance_details", InvalidRequest;
    /// `displayedAttributes` of the settings.
    InvalidSettingsDisplayedAttributes = "invalid_settings_displayed_attributes", InvalidRequest;
    /// `searchableAttributes` of the settings.
    InvalidSettingsSearchableAttributes = "invalid_settings_searchable_attributes", InvalidRequest;
    /// `filterableAttributes` of the settings.
    InvalidSettingsFilterableAttributes = "invalid_settings_filterable_attributes", InvalidRequest;
    /// `sortableAttributes` of the settings.
    InvalidSettingsSortableAttributes = "invalid_settings_sortable_attributes", InvalidRequest;
    /// `foreignKeys` of the settings.
    InvalidSettingsForeignKeys = "invalid_settings_foreign_keys", InvalidRequest;
    /// `rankingRules` of the settings.
    InvalidSettingsRankingRules = "invalid_settings_ranking_rules", InvalidRequest;
    /// `stopWords` of the settings.
    InvalidSettingsStopWords = "invalid_settings_stop_words", InvalidRequest;
    /// `nonSeparatorTokens` of the settings.
    InvalidSettingsNonSeparatorTokens = "invalid_settings_non_separator_tokens", InvalidRequest;
    /// `separatorTokens` of the settings.
    InvalidSettingsSeparatorTokens = "invalid_settings_separator_tokens", InvalidRequest;
    /// `dictionary` of the settings.
    InvalidSettingsDictionary = "invalid_settings_dictionary", InvalidRequest;
    /// `synonyms` of the settings.
    InvalidSettingsSynonyms = "invalid_settings_synonyms", InvalidRequest;
    /// `distinctAttribute` of the settings.
    InvalidSettingsDistinctAttribute = "invalid_settings_distinct_attribute", InvalidRequest;
    /// `proximityPrecision` of the settings.
    InvalidSettingsProximityPrecision = "invalid_settings_proximity_precision", InvalidRequest;
    /// `typoTolerance` of the settings.
    InvalidSettingsTypoTolerance = "invalid_settings_typo_tolerance", InvalidRequest;
    /// `faceting` of the settings.
    InvalidSettingsFaceting = "invalid_settings_faceting", InvalidRequest;
    /// `pagination` of the settings.
    InvalidSettingsPagination = "invalid_settings_pagination", InvalidRequest;
    /// `embedders` of the settings.
    InvalidSettingsEmbedders = "invalid_settings_embedders", InvalidRequest;
    /// `searchCutoffMs` of the settings.
    InvalidSettingsSearchCutoffMs = "invalid_settings_search_cutoff_ms", InvalidRequest;
    /// `localizedAttributes` of the settings.
    InvalidSettingsLocalizedAttributes = "invalid_settings_localized_attributes", InvalidRequest;
    /// `facetSearch` of the settings.
    InvalidSettingsFacetSearch = "invalid_settings_facet_search", InvalidRequest;
    /// `prefixSearch` of the settings.
    InvalidSettingsPrefixSearch = "invalid_settings_prefix_search", InvalidRequest;
    /// `chat` of the settings.
    InvalidSettingsIndexChat = "invalid_settings_index_chat", InvalidRequest;
    /// A fault of Miroir itself.
    Internal = "internal", Internal;
    /// A client's document with an attribute that Miroir keeps for itself.
    MiroirReservedField = "miroir_reserved_field", InvalidRequest;
    /// No leader puts writes in order at present: nothing was done.
    MiroirNoLeader = "miroir_no_leader", System;
    /// A shard of the write has no group with a quorum.
    MiroirNoQuorum = "miroir_no_quorum", System;
    /// A shard of the read has no node that can serve it.
    MiroirShardUnavailable = "miroir_shard_unavailable", System;
    /// The task store does not respond.
    MiroirStoreUnavailable = "miroir_store_unavailable", System;
    /// The route of a Meilisearch server that a cluster does not have yet.
    MiroirNotSupported = "miroir_not_supported", InvalidRequest;
    /// A wrong or missing admin key.
    MiroirInvalidAuth = "miroir_invalid_auth", Auth;
    /// More requests at once than `server.max_concurrent_requests`.
    MiroirOverloaded = "miroir_overloaded", System;
    /// A request without a response within `server.request_timeout_ms`.
    MiroirTimeout = "miroir_timeout", System;
    /// A write to an alias of several indexes, or a change of it that only its policy may make.
    MiroirMultiAliasNotWritable = "miroir_multi_alias_not_writable", InvalidRequest;
    /// A name or target that an alias cannot have, or an index or alias in use.
    MiroirAliasConflict = "miroir_alias_conflict", InvalidRequest;
    /// The alias has another version than `If-Match` names.
    MiroirAliasVersionMismatch = "miroir_alias_version_mismatch", InvalidRequest;
    /// The alias does not exist.
    MiroirAliasNotFound = "miroir_alias_not_found", InvalidRequest;
    /// The reason, in a task's node errors and node tasks, why a node did not accept a write, or lost it.
    MiroirNodeUnavailable = "miroir_node_unavailable", System;
    /// A canary that is malformed, or whose assertions no response meets.
    MiroirInvalidCanary = "miroir_invalid_canary", InvalidRequest;
    /// No canary has this id.
    MiroirCanaryNotFound = "miroir_canary_not_found", InvalidRequest;
    /// A canary with this id exists already.
    MiroirCanaryExists = "miroir_canary_exists", InvalidRequest;
    /// The canary has another version than `If-Match` names.
    MiroirCanaryVersionMismatch = "miroir_canary_version_mismatch", InvalidRequest;
    /// The canary belongs to the configuration: only the configuration changes it.
    MiroirCanaryConfigured = "miroir_canary_configured", InvalidRequest;
    /// The changes that the reader requests are no longer held.
    MiroirChangesTrimmed = "miroir_changes_trimmed", InvalidRequest;
    /// A position after the last change, or an index whose changes cannot be read.
    MiroirInvalidChangePosition = "miroir_invalid_change_position", InvalidRequest;
    /// No sink has this name, or no feed is configured.
    MiroirSinkNotFound = "miroir_sink_not_found", InvalidRequest;
    /// The kind of the sink does not support this.
    MiroirSinkConflict = "miroir_sink_conflict", InvalidRequest;
    /// No job has this id.
    MiroirJobNotFound = "miroir_job_not_found", InvalidRequest;
    /// The node is not of the cluster.
    MiroirNodeNotFound = "miroir_node_not_found", InvalidRequest;
    /// The node is not in the state that the operation is for.
    MiroirNodeConflict = "miroir_node_conflict", InvalidRequest;
    /// The job has ended, so it cannot be canceled.
    MiroirJobFinished = "miroir_job_finished", InvalidRequest;
}

impl ErrorCode {
    /// Returns the page and anchor that explain the code.
    pub fn link(self) -> String {
        let code = self.as_str();
        if code.starts_with("miroir_") {
            format!("{MIROIR_DOCS}#{code}")
        } else {
            format!("{MEILISEARCH_DOCS}#{code}")
        }
    }

    /// Returns the error body with this code and `message`.
    pub fn with_message(self, message: impl Into<String>) -> ResponseError {
        ResponseError {
            message: message.into(),
            code: self.as_str().to_owned(),
            kind: self.kind().as_str().to_owned(),
            link: self.link(),
        }
    }
}

/// A request that the domain refuses, with the code and words for the client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct InvalidRequest {
    /// The code.
    pub code: ErrorCode,
    /// A sentence that names the fault and its place.
    pub message: String,
}

impl InvalidRequest {
    /// Creates a refusal with `code` and a sentence.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

impl From<InvalidRequest> for ResponseError {
    fn from(refusal: InvalidRequest) -> Self {
        refusal.code.with_message(refusal.message)
    }
}
