//! Request bodies of documents: JSON (an array or one object), NDJSON and CSV.

use serde_json::Value;
use serde_json::value::RawValue;

use crate::document::Document;
use crate::error::ApiError;

/// The format of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Ndjson,
    Csv { delimiter: u8 },
}

fn malformed(format: &str, problem: &str) -> ApiError {
    let message = format!(
        "The `{format}` payload provided is malformed. `Couldn't serialize document value: {problem}`."
    );
    ApiError::invalid("malformed_payload", message)
}

/// Reads the documents of a body.
pub(crate) fn read(format: Format, body: &[u8]) -> Result<Vec<Document>, ApiError> {
    match format {
        Format::Json => read_json(body),
        Format::Ndjson => read_ndjson(body),
        Format::Csv { delimiter } => read_csv(body, delimiter),
    }
}

/// Reads one document. Valid JSON that is not an object is an internal error, as on the server.
fn to_document(text: &RawValue) -> Result<Document, ApiError> {
    serde_json::from_str(text.get()).map_err(|error| {
        let position = error.to_string();
        let problem = position.split(" at line ").next().unwrap_or(&position);
        ApiError::with_status(500, "internal", format!("{problem} at line 1 column 0"))
    })
}

fn read_json(body: &[u8]) -> Result<Vec<Document>, ApiError> {
    let refused = |error: serde_json::Error| malformed("json", &error.to_string());
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
    if first == Some(&b'[') {
        let items: Vec<&RawValue> = serde_json::from_slice(body).map_err(refused)?;
        return items.into_iter().map(to_document).collect();
    }
    if matches!(first, Some(b'{') | None) {
        return Ok(vec![serde_json::from_slice(body).map_err(refused)?]);
    }
    let _: &RawValue = serde_json::from_slice(body).map_err(refused)?;
    Err(malformed("json", "data are neither an object nor a list of objects"))
}

fn read_ndjson(body: &[u8]) -> Result<Vec<Document>, ApiError> {
    let values = serde_json::Deserializer::from_slice(body).into_iter::<Document>();
    values.map(|value| value.map_err(|error| malformed("ndjson", &error.to_string()))).collect()
}

/// The type of a CSV column, given by the end of its header.
#[derive(Debug, Clone, Copy)]
enum Column {
    Text,
    Number,
    Boolean,
}

fn read_csv(body: &[u8], delimiter: u8) -> Result<Vec<Document>, ApiError> {
    let csv_error = |problem: String| {
        ApiError::invalid(
            "malformed_payload",
            format!("The `csv` payload provided is malformed: `{problem}`."),
        )
    };
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(body);
    let headers = reader.headers().map_err(|error| csv_error(error.to_string()))?;
    let columns: Vec<(String, Column)> = headers.iter().map(column).collect();
    let mut documents = Vec::new();
    for (line, record) in reader.records().enumerate() {
        let record = record.map_err(|error| csv_error(error.to_string()))?;
        let mut document = Document::default();
        for ((name, column), text) in columns.iter().zip(record.iter()) {
            document.set(name, cell(*column, text, line + 1).map_err(csv_error)?);
        }
        documents.push(document);
    }
    Ok(documents)
}

fn column(header: &str) -> (String, Column) {
    match header.rsplit_once(':') {
        Some((name, "string")) => (name.to_owned(), Column::Text),
        Some((name, "number")) => (name.to_owned(), Column::Number),
        Some((name, "boolean")) => (name.to_owned(), Column::Boolean),
        _ => (header.to_owned(), Column::Text),
    }
}

fn cell(column: Column, text: &str, line: usize) -> Result<Value, String> {
    let trimmed = text.trim();
    match column {
        _ if trimmed.is_empty() => Ok(Value::Null),
        Column::Text => Ok(Value::from(text)),
        Column::Number => match trimmed.parse::<i64>() {
            Ok(number) => Ok(Value::from(number)),
            Err(_) => trimmed
                .parse::<f64>()
                .map(Value::from)
                .map_err(|error| format!("Error parsing number {text:?} at line {line}: {error}")),
        },
        Column::Boolean => trimmed
            .parse::<bool>()
            .map(Value::from)
            .map_err(|error| format!("Error parsing boolean {text:?} at line {line}: {error}")),
    }
}

/// Returns the canonical id of a document. Returns the error of the task if it has none.
pub(crate) fn document_id(document: &Document, primary_key: &str) -> Result<String, ApiError> {
    let Some(value) = document.get_nested(primary_key) else {
        let text = serde_json::to_string(document).unwrap_or_default();
        let message = format!("Document doesn't have a `{primary_key}` attribute: `{text}`.");
        return Err(ApiError::invalid("missing_document_id", message));
    };
    canonical_id(value).ok_or_else(|| invalid_id(value))
}

fn invalid_id(value: &Value) -> ApiError {
    let rule = "A document identifier can be of type integer or string, only composed of alphanumeric characters \
                (a-z A-Z 0-9), hyphens (-) and underscores (_), and can not be more than 511 bytes.";
    ApiError::invalid("invalid_document_id", format!("Document identifier `{value}` is invalid. {rule}"))
}

/// Returns the canonical form of an id: an integer in decimal, or text of the allowed alphabet. Returns
/// `None` for any other value.
pub(crate) fn canonical_id(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) if number.is_i64() || number.is_u64() => Some(number.to_string()),
        Value::String(text) => {
            let text = text.trim();
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
            let valid = !text.is_empty() && text.len() <= 511 && text.bytes().all(allowed);
            valid.then(|| text.to_owned())
        }
        _ => None,
    }
}

/// Infers the primary key from the first document: its only attribute whose lower-cased name ends with `id`.
pub(crate) fn infer_primary_key(document: &Document) -> Result<String, ApiError> {
    let mut candidates: Vec<&str> =
        document.iter().map(|(name, _)| name).filter(|name| name.to_lowercase().ends_with("id")).collect();
    candidates.sort_unstable();
    let advice = "Please specify the primary key manually using the `primaryKey` query parameter.";
    match candidates.as_slice() {
        [only] => Ok((*only).to_owned()),
        [] => {
            let problem = "the engine did not find any field ending with `id` in its name.";
            let message = format!("The primary key inference failed as {problem} {advice}");
            Err(ApiError::invalid("index_primary_key_no_candidate_found", message))
        }
        [first, second, ..] => {
            let count = candidates.len();
            let problem = format!(
                "the engine found {count} fields ending with `id` in their names: '{first}' and '{second}'."
            );
            let message = format!("The primary key inference failed as {problem} {advice}");
            Err(ApiError::invalid("index_primary_key_multiple_candidates_found", message))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn texts(documents: &[Document]) -> Vec<String> {
        documents.iter().map(|document| serde_json::to_string(document).unwrap()).collect()
    }

    #[test]
    fn json_is_an_array_or_one_object() {
        assert_eq!(
            texts(&read(Format::Json, b" [{\"a\":1},{\"a\":2}]").unwrap()),
            [r#"{"a":1}"#, r#"{"a":2}"#]
        );
        assert_eq!(texts(&read(Format::Json, b"{\"a\":1}").unwrap()), [r#"{"a":1}"#]);
        assert_eq!(read(Format::Json, b"[]").unwrap(), []);
        assert_eq!(read(Format::Json, b"3").unwrap_err().code, "malformed_payload");
        assert_eq!(read(Format::Json, b"[1]").unwrap_err().status, 500);
    }

    #[test]
    fn ndjson_objects_may_span_lines() {
        let documents = read(Format::Ndjson, b"{\"a\":\n1}\n\n{\"a\":2}").unwrap();
        assert_eq!(texts(&documents), [r#"{"a":1}"#, r#"{"a":2}"#]);
        assert_eq!(read(Format::Ndjson, b"{\"a\":1}\nfoo").unwrap_err().code, "malformed_payload");
    }

    #[test]
    fn csv_headers_type_their_columns() {
        let body = b"id,n:number,b:boolean,s:string,e\n1,2.5,true,x,\n";
        let documents = read(Format::Csv { delimiter: b',' }, body).unwrap();
        assert_eq!(texts(&documents), [r#"{"id":"1","n":2.5,"b":true,"s":"x","e":null}"#]);
        let refused = read(Format::Csv { delimiter: b';' }, b"id;n:number\n1;x").unwrap_err();
        assert!(refused.message.contains("Error parsing number \"x\" at line 1"), "{}", refused.message);
    }

    #[test]
    fn id_is_an_integer_or_plain_text() {
        assert_eq!(canonical_id(&json!(-5)), Some("-5".to_owned()));
        assert_eq!(canonical_id(&json!("a_B-9")), Some("a_B-9".to_owned()));
        for bad in [json!(1.0), json!("a b"), json!(""), json!(null), json!("x".repeat(512)), json!(true)] {
            assert_eq!(canonical_id(&bad), None, "{bad}");
        }
    }
}
