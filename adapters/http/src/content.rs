//! `Content-Type` and `Content-Encoding`: the format and the compression of a body.

use std::io::Read;

use bytes::Bytes;
use flate2::read::{MultiGzDecoder, ZlibDecoder};
use http::{HeaderMap, header};
use miroir_domain::error::ErrorCode;
use miroir_domain::wording::{self, excerpt};

use crate::error::Failure;

/// The media type of a JSON body.
pub(crate) const JSON: &str = "application/json";
/// The media type of NDJSON.
pub(crate) const NDJSON: &str = "application/x-ndjson";
/// The media type of CSV.
pub(crate) const CSV: &str = "text/csv";
/// The media type of server-sent events.
pub(crate) const EVENTS: &str = "text/event-stream";
/// The media type of HTML.
pub(crate) const HTML: &str = "text/html";
/// The media type of Markdown.
pub(crate) const MARKDOWN: &str = "text/markdown";

/// Returns whether `Accept` names `media`. Wildcards do not count.
pub(crate) fn accepts(headers: &HeaderMap, media: &str) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted
        .flat_map(|value| value.split(','))
        .any(|kind| kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case(media)))
}

/// The maximum number of characters of a refused `Content-Type` that an error repeats.
const MEDIA_TYPE_CHARS: usize = 200;
/// The maximum number of characters of a refused `Content-Encoding` that an error repeats.
const ENCODING_CHARS: usize = 80;

/// Returns the one of the `accepted` media types that `Content-Type` names. Parameters (`; charset=…`) and
/// case are ignored.
pub(crate) fn media_type(headers: &HeaderMap, accepted: &[&'static str]) -> Result<&'static str, Failure> {
    let list = || wording::list(accepted.iter().copied());
    let sent = headers.get(header::CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes()));
    let Some(sent) = sent.as_deref().map(str::trim) else {
        let message = format!(
            "A Content-Type header is missing. Accepted values for the Content-Type header are: {}",
            list()
        );
        return Err(Failure::refused(ErrorCode::MissingContentType, message));
    };
    let essence = sent.split(';').next().unwrap_or_default().trim();
    accepted.iter().copied().find(|media| media.eq_ignore_ascii_case(essence)).ok_or_else(|| {
        let message = format!(
            "The Content-Type `{}` is invalid. Accepted values for the Content-Type header are: {}",
            excerpt(sent, MEDIA_TYPE_CHARS),
            list()
        );
        Failure::refused(ErrorCode::InvalidContentType, message)
    })
}

/// The compression of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Identity,
    Gzip,
    Deflate,
}

impl Encoding {
    /// Reads `Content-Encoding`. An unsupported encoding is refused before the body is read.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, Failure> {
        let mut values = headers.get_all(header::CONTENT_ENCODING).iter();
        let Some(value) = values.next() else { return Ok(Self::Identity) };
        if values.next().is_some() {
            return Err(unsupported_encoding("several"));
        }
        let value = String::from_utf8_lossy(value.as_bytes()).trim().to_ascii_lowercase();
        match value.as_str() {
            "" | "identity" => Ok(Self::Identity),
            "gzip" | "x-gzip" => Ok(Self::Gzip),
            "deflate" => Ok(Self::Deflate),
            _ => Err(unsupported_encoding(&value)),
        }
    }

    /// Decompresses `body`, to at most `limit` bytes.
    pub(crate) async fn decompress(self, body: Bytes, limit: u64) -> Result<Bytes, Failure> {
        if self == Self::Identity {
            return Ok(body);
        }
        tokio::task::spawn_blocking(move || self.decompress_blocking(&body, limit))
            .await
            .map_err(|error| Failure::internal(&format!("decompressing a body failed: {error}")))?
    }

    fn decompress_blocking(self, body: &[u8], limit: u64) -> Result<Bytes, Failure> {
        let reader: Box<dyn Read + '_> = match self {
            Self::Identity => Box::new(body),
            Self::Gzip => Box::new(MultiGzDecoder::new(body)),
            Self::Deflate => Box::new(ZlibDecoder::new(body)),
        };
        let mut decompressed = Vec::new();
        // One byte more than allowed distinguishes a body that is too large from one of the maximum size.
        match reader.take(limit.saturating_add(1)).read_to_end(&mut decompressed) {
            Ok(length) if length as u64 > limit => Err(too_large(limit)),
            Ok(_) => Ok(decompressed.into()),
            Err(error) => {
                let message =
                    format!("The body is not encoded as its Content-Encoding header states: {error}.");
                Err(Failure::refused(ErrorCode::BadRequest, message))
            }
        }
    }
}

fn unsupported_encoding(value: &str) -> Failure {
    Failure::refused(
        ErrorCode::InvalidContentType,
        format!(
            "The Content-Encoding `{}` is not supported. Accepted values for the Content-Encoding header are: `identity`, `gzip`, `deflate`",
            excerpt(value, ENCODING_CHARS)
        ),
    )
}

/// Returns the refusal of a body over the limit.
pub(crate) fn too_large(limit: u64) -> Failure {
    let message = format!(
        "The provided payload reached the size limit. The maximum accepted payload size is {}.",
        readable(limit)
    );
    Failure::refused(ErrorCode::PayloadTooLarge, message)
}

/// Formats a size in the largest possible unit. Multiples of 1024 get binary units, as in Meilisearch's
/// message.
fn readable(bytes: u64) -> String {
    let (step, units) = if bytes.is_multiple_of(1024) {
        (1024, ["B", "KiB", "MiB", "GiB", "TiB"])
    } else {
        (1000, ["B", "KB", "MB", "GB", "TB"])
    };
    let (mut whole, mut rest, mut unit) = (bytes, 0, 0);
    while whole >= step && unit + 1 < units.len() {
        rest = whole % step * 100 / step;
        whole /= step;
        unit += 1;
    }
    let fraction =
        if rest == 0 { String::new() } else { format!(".{rest:02}").trim_end_matches('0').to_owned() };
    format!("{whole}{fraction} {}", units[unit])
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{GzEncoder, ZlibEncoder};
    use http::HeaderValue;

    use super::*;

    fn headers(name: header::HeaderName, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_str(value).unwrap());
        headers
    }

    fn gzip(text: &[u8]) -> Bytes {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap().into()
    }

    #[test]
    fn media_type_ignores_case_and_parameters() {
        for sent in
            ["application/json", "APPLICATION/Json", "application/json; charset=utf-8", "application/json;"]
        {
            assert_eq!(media_type(&headers(header::CONTENT_TYPE, sent), &[CSV, JSON]), Ok(JSON), "{sent}");
        }
    }

    #[test]
    fn media_type_refusals_list_the_accepted_types() {
        let missing = media_type(&HeaderMap::new(), &[JSON, NDJSON, CSV]).unwrap_err();
        assert_eq!((missing.status.as_u16(), missing.error.code.as_str()), (415, "missing_content_type"));
        let wrong = media_type(&headers(header::CONTENT_TYPE, "text/plain"), &[JSON, CSV]).unwrap_err();
        assert_eq!(
            wrong.error.message,
            "The Content-Type `text/plain` is invalid. Accepted values for the Content-Type header are: `application/json`, `text/csv`"
        );
        assert_eq!((wrong.status.as_u16(), wrong.error.code.as_str()), (415, "invalid_content_type"));
    }

    #[test]
    fn encoding_refuses_unsupported_compressions() {
        for sent in ["br", "zstd", "gzip, gzip", "nonsense"] {
            let failure = Encoding::of(&headers(header::CONTENT_ENCODING, sent)).unwrap_err();
            assert_eq!(failure.status.as_u16(), 415, "{sent}");
            assert!(failure.error.message.contains(sent), "{}", failure.error.message);
        }
        assert_eq!(Encoding::of(&HeaderMap::new()), Ok(Encoding::Identity));
        assert_eq!(Encoding::of(&headers(header::CONTENT_ENCODING, "GZIP")), Ok(Encoding::Gzip));
    }

    #[tokio::test]
    async fn decompress_returns_the_original() {
        let text = Bytes::from("a".repeat(5000));
        assert_eq!(Encoding::Gzip.decompress(gzip(&text), 5000).await, Ok(text.clone()));
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&text).unwrap();
        assert_eq!(
            Encoding::Deflate.decompress(encoder.finish().unwrap().into(), 5000).await,
            Ok(text.clone())
        );
        assert_eq!(Encoding::Identity.decompress(text.clone(), 1).await, Ok(text));
    }

    #[tokio::test]
    async fn decompress_refuses_a_result_over_the_limit() {
        let bomb = gzip(&vec![0; 10_000_000]);
        assert!(bomb.len() < 50_000);
        let failure = Encoding::Gzip.decompress(bomb, 100_000).await.unwrap_err();
        assert_eq!(failure.error.code, "payload_too_large");
    }

    #[tokio::test]
    async fn decompress_refuses_a_corrupt_body() {
        let whole = gzip(b"hello, hello, hello");
        for broken in [Bytes::from_static(b"{}"), whole.slice(..whole.len() - 3), Bytes::new()] {
            let failure = Encoding::Gzip.decompress(broken, 1000).await.unwrap_err();
            assert_eq!(failure.status.as_u16(), 400);
        }
    }

    #[test]
    fn readable_picks_the_largest_unit() {
        for (bytes, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (10_000, "10 KB"),
            (1500, "1.5 KB"),
            (100 * 1024 * 1024, "100 MiB"),
            (1024 * 1024 * 1024 * 3 / 2, "1.5 GiB"),
        ] {
            assert_eq!(readable(bytes), text);
        }
    }
}
