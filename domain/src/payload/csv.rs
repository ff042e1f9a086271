//! Conversion of CSV into NDJSON, as a Meilisearch server reads CSV.

use std::collections::BTreeMap;

use serde_json::Value;

use super::refusal;
use crate::error::InvalidRequest;
use crate::wording::{VALUE_CHARS, shortened};

/// The type of the values of a column, from the end of its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ColumnType {
    /// `:string`, or no type.
    Text,
    /// `:number`.
    Number,
    /// `:boolean`.
    Boolean,
}

/// A column that is kept: its attribute as JSON text with a colon after it, and the position of its values.
struct Column {
    attribute: String,
    kind: ColumnType,
    position: usize,
}

/// Returns `body` as NDJSON, one object per record. The first record names the attributes; of a repeated name
/// the last column counts. An empty cell is null; numbers and booleans may have spaces around them.
pub(super) fn to_ndjson(body: &[u8], delimiter: u8) -> Result<Vec<u8>, InvalidRequest> {
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(body);
    let columns = read_header(reader.headers().map_err(|error| unreadable(&error))?)?;
    let mut ndjson = Vec::with_capacity(body.len());
    let mut record = csv::StringRecord::new();
    let mut number = 0_usize;
    while reader.read_record(&mut record).map_err(|error| unreadable(&error))? {
        number += 1;
        ndjson.push(b'{');
        for (place, column) in columns.iter().enumerate() {
            if place > 0 {
                ndjson.push(b',');
            }
            ndjson.extend_from_slice(column.attribute.as_bytes());
            // The reader refuses records of another length than the header.
            let cell = record.get(column.position).unwrap_or_default();
            let value = read_cell(cell, column.kind, number)?;
            serde_json::to_writer(&mut ndjson, &value).map_err(|error| unwritable(&error))?;
        }
        ndjson.extend_from_slice(b"}\n");
    }
    Ok(ndjson)
}

fn read_header(header: &csv::StringRecord) -> Result<Vec<Column>, InvalidRequest> {
    let mut last = BTreeMap::new();
    for (position, name) in header.iter().enumerate() {
        let (name, kind) = split_type(name);
        last.insert(name, (position, kind));
    }
    let mut columns = last
        .into_iter()
        .map(|(name, (position, kind))| {
            let mut attribute = serde_json::to_string(name).map_err(|error| unwritable(&error))?;
            attribute.push(':');
            Ok(Column { attribute, kind, position })
        })
        .collect::<Result<Vec<_>, InvalidRequest>>()?;
    columns.sort_unstable_by_key(|column| column.position);
    Ok(columns)
}

/// Splits the type off a header. An unknown type belongs to the name.
fn split_type(header: &str) -> (&str, ColumnType) {
    match header.rsplit_once(':') {
        Some((name, "string")) => (name, ColumnType::Text),
        Some((name, "number")) => (name, ColumnType::Number),
        Some((name, "boolean")) => (name, ColumnType::Boolean),
        _ => (header, ColumnType::Text),
    }
}

fn read_cell(cell: &str, kind: ColumnType, record: usize) -> Result<Value, InvalidRequest> {
    let trimmed = cell.trim();
    let fault = |what: &str, reason: String| {
        refusal::malformed_csv(&format!(
            "Error parsing {what} {:?} at line {record}: {reason}",
            shortened(cell, VALUE_CHARS)
        ))
    };
    match kind {
        ColumnType::Text if cell.is_empty() => Ok(Value::Null),
        ColumnType::Text => Ok(Value::from(cell)),
        _ if trimmed.is_empty() => Ok(Value::Null),
        ColumnType::Boolean => {
            trimmed.parse::<bool>().map(Value::from).map_err(|error| fault("boolean", error.to_string()))
        }
        ColumnType::Number => match trimmed.parse::<i64>() {
            Ok(integer) => Ok(Value::from(integer)),
            // A number that is not finite becomes null, because JSON has no word for it.
            Err(_) => {
                trimmed.parse::<f64>().map(Value::from).map_err(|error| fault("number", error.to_string()))
            }
        },
    }
}

fn unreadable(error: &csv::Error) -> InvalidRequest {
    refusal::malformed_csv(&error.to_string())
}

fn unwritable(error: &serde_json::Error) -> InvalidRequest {
    refusal::malformed_csv(&error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn convert(csv: &str) -> Result<String, String> {
        to_ndjson(csv.as_bytes(), b',')
            .map(|json| String::from_utf8(json).unwrap())
            .map_err(|error| error.message)
    }

    #[test]
    fn cells_take_the_type_of_their_column() {
        let csv = "id:number,name,ok:boolean,x:foo,n:string\n1,a,true,q,5\n 2 , b , false ,r,\n1.5,,,,\"\"\n";
        assert_eq!(
            convert(csv).unwrap(),
            "{\"id\":1,\"name\":\"a\",\"ok\":true,\"x:foo\":\"q\",\"n\":\"5\"}\n\
             {\"id\":2,\"name\":\" b \",\"ok\":false,\"x:foo\":\"r\",\"n\":null}\n\
             {\"id\":1.5,\"name\":null,\"ok\":null,\"x:foo\":null,\"n\":null}\n"
        );
    }

    #[test]
    fn text_is_escaped_and_quotes_span_lines() {
        assert_eq!(
            convert("id,\"a \"\"b\"\"\"\n1,\"x\ny\\ \"\"z\"\"\"\n").unwrap(),
            "{\"id\":\"1\",\"a \\\"b\\\"\":\"x\\ny\\\\ \\\"z\\\"\"}\n"
        );
    }

    #[test]
    fn the_last_of_equal_columns_counts() {
        assert_eq!(convert("a,id,a:number\n1,2,3\n").unwrap(), "{\"id\":\"2\",\"a\":3}\n");
    }

    #[test]
    fn numbers_that_json_cannot_express_are_null() {
        assert_eq!(
            convert("id,n:number\n1,nan\n2,inf\n3,1e999\n").unwrap(),
            "{\"id\":\"1\",\"n\":null}\n{\"id\":\"2\",\"n\":null}\n{\"id\":\"3\",\"n\":null}\n"
        );
    }

    #[test]
    fn header_alone_and_byte_order_mark_are_accepted() {
        assert_eq!(convert("id,a\n").unwrap(), "");
        assert_eq!(convert(" \n").unwrap(), "");
        assert_eq!(convert("\u{feff}id,a\n1,2\n").unwrap(), "{\"id\":\"1\",\"a\":\"2\"}\n");
    }

    #[test]
    fn any_ascii_delimiter_separates() {
        assert_eq!(to_ndjson(b"id;a\n1;2\n", b';').unwrap(), b"{\"id\":\"1\",\"a\":\"2\"}\n");
    }

    #[test]
    fn invalid_cells_are_refused_in_the_words_of_a_server() {
        let cases = [
            ("id,n:number\n1,2\n1,abc\n", "Error parsing number \"abc\" at line 2: invalid float literal"),
            (
                "id,n:boolean\n1,yes\n",
                "Error parsing boolean \"yes\" at line 1: provided string was not `true` or `false`",
            ),
            (
                "id,n\n1\n",
                "CSV error: record 1 (line: 2, byte: 5): found record with 1 fields, but the previous record has 2 fields",
            ),
        ];
        for (csv, fault) in cases {
            let expected = format!("The `csv` payload provided is malformed: `{fault}`.");
            assert_eq!(convert(csv).unwrap_err(), expected);
        }
        let error = to_ndjson(b"id,n\n1,\xff\n", b',').unwrap_err();
        assert!(error.message.contains("record 1 (line 2, field: 1, byte: 5): invalid utf-8"), "{error}");
        let long = convert(&format!("id,n:number\n1,{}\n", "x".repeat(100_000))).unwrap_err();
        assert!(long.len() < 1_200);
    }
}
