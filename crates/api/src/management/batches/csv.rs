//! Files of comma-separated values, as spreadsheets write them (RFC 4180).

use crate::http::{
    Problem, ProblemKind as Kind,
    csv::BYTE_ORDER_MARK,
    json::{BODY_TIMEOUT, content_type, read},
};
use axum::extract::{FromRequest, Request};
use msp_domain::cells::unmarked;

/// Most rows of one batch, the header not counted: an afternoon's work for the slowest client systems.
pub(super) const MAX_ROWS: usize = 1_000;

/// A table: titles and rows of as many cells.
pub struct CsvBody {
    pub header: Vec<String>,
    pub rows: Vec<csv::StringRecord>,
}

impl<S: Send + Sync> FromRequest<S> for CsvBody {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if content_type(request.headers()) != "text/csv" {
            return Err(Problem::new(Kind::ContentTypeUnsupported)
                .detail("Send the rows as comma-separated values, with `Content-Type: text/csv`."));
        }
        parse(&read(request, state, BODY_TIMEOUT).await?)
    }
}

fn parse(body: &[u8]) -> Result<CsvBody, Problem> {
    let text = std::str::from_utf8(body).map_err(|fault| {
        let line = 1 + body[..fault.valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
        unreadable(format!("Line {line} is not UTF-8. Save the file as \"CSV UTF-8\"."))
    })?;
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter(text)).from_reader(text.as_bytes());
    let header = reader.headers().map_err(|fault| unreadable(explained(&fault)))?.clone();
    if header.iter().all(|title| title.trim().is_empty()) {
        return Err(unreadable("The first line must name the fields of the form."));
    }
    let mut rows = Vec::new();
    for row in reader.into_records() {
        let row = row.map_err(|fault| unreadable(explained(&fault)))?;
        if rows.len() == MAX_ROWS {
            return Err(unreadable(format!("There are more than {MAX_ROWS} rows. Send them in several files.")));
        }
        rows.push(row.iter().map(unmarked).collect());
    }
    if rows.is_empty() {
        return Err(unreadable("There is no row below the first line."));
    }
    Ok(CsvBody { header: header.iter().map(unmarked).collect(), rows })
}

/// Spreadsheets write semicolons where the comma is part of numbers.
fn delimiter(text: &str) -> u8 {
    let header = text.lines().next().unwrap_or_default();
    [b',', b';', b'\t']
        .into_iter()
        .max_by_key(|mark| (header.bytes().filter(|byte| byte == mark).count(), *mark == b','))
        .unwrap_or(b',')
}

fn explained(fault: &csv::Error) -> String {
    match fault.kind() {
        csv::ErrorKind::UnequalLengths { pos, expected_len, len } => {
            let line = pos.as_ref().map_or(0, csv::Position::line);
            format!("Line {line} has {len} cells where the first line has {expected_len}.")
        }
        _ => "The file cannot be read as comma-separated values.".to_owned(),
    }
}

fn unreadable(detail: impl Into<String>) -> Problem {
    Problem::new(Kind::CsvUnreadable).detail(detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(body: &[u8]) -> (Vec<String>, Vec<Vec<String>>) {
        let CsvBody { header, rows } = parse(body).expect("readable");
        (header, rows.iter().map(|row| row.iter().map(str::to_owned).collect()).collect())
    }

    fn fault(body: &[u8]) -> String {
        let Err(problem) = parse(body) else { panic!("refused") };
        assert_eq!(problem.kind(), Kind::CsvUnreadable);
        format!("{problem:?}")
    }

    #[test]
    fn what_spreadsheets_write_is_read_whatever_separates_the_cells() {
        let expected = (vec!["a".to_owned(), "b".to_owned()], vec![vec!["1".to_owned(), "x, \"y\"\nz".to_owned()]]);
        assert_eq!(table("\u{feff}a,b\r\n1,\"x, \"\"y\"\"\nz\"\r\n".as_bytes()), expected);
        assert_eq!(table(b"a;b\n1;\"x, \"\"y\"\"\nz\""), expected);
        assert_eq!(table(b"a\tb\n1\t\"x, \"\"y\"\"\nz\"\n\n"), expected);
        assert_eq!(table(b"only\nvalue\n").1, [["value"]]);
    }

    #[test]
    fn cells_as_they_are_downloaded_are_read_as_they_were_before() {
        for cell in ["-5", "=1+1", "'quoted", "it's", "a;=b\n+c"] {
            let file = crate::http::csv::head(["n"]) + &crate::http::csv::line([cell]);
            assert_eq!(table(file.as_bytes()).1, [[cell]]);
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_the_line_at_fault() {
        assert!(fault(b"a,b\n1,2\n\xff,3\n").contains("Line 3 is not UTF-8"));
        assert!(fault(b"a,b\n1\n").contains("Line 2 has 1 cells"));
        assert!(fault(b"").contains("first line"));
        assert!(fault(b"a,b\n").contains("no row"));
        let many = "a\n".to_owned() + &"1\n".repeat(MAX_ROWS + 1);
        assert!(fault(many.as_bytes()).contains("more than 1000 rows"));
    }
}
