//! CSV as spreadsheets read and write it, without letting them run what stands in it.

use anyhow::{Result, bail};
use msp_domain::{
    cells::{marked, unmarked},
    workflow::nearest,
};
use std::{collections::HashMap, path::Path};

/// A row with the line it begins in.
pub struct Row<'a> {
    /// Counted from one, the header included.
    pub line: u64,
    cells: HashMap<&'a str, String>,
}

impl Row<'_> {
    /// The cell of a column; `None` where the file has no such column.
    pub fn cell(&self, column: &str) -> Option<&str> {
        self.cells.get(column).map(String::as_str)
    }
}

/// Reads the rows of a file whose columns are all known.
pub fn read<'a>(path: &Path, text: &str, required: &[&'a str], optional: &[&'a str]) -> Result<Vec<Row<'a>>> {
    let mut reader = csv::ReaderBuilder::new().from_reader(text.as_bytes());
    let known: Vec<&'a str> = required.iter().chain(optional).copied().collect();
    let mut columns = Vec::new();
    let header = reader.headers().map_err(|error| fault(path, text, &error))?;
    for name in header {
        let name = name.trim();
        let Some(column) = known.iter().find(|column| column.eq_ignore_ascii_case(name)) else {
            if name.contains(';') {
                bail!("{}:1: the columns are separated by `;`; separate them by `,`", path.display());
            }
            let advice = nearest(&name.to_lowercase(), known.iter().copied())
                .map_or_else(|| format!("known are {}", known.join(", ")), |meant| format!("did you mean `{meant}`?"));
            bail!("{}:1: unknown column `{name}`; {advice}", path.display());
        };
        if columns.contains(column) {
            bail!("{}:1: the column `{column}` is there twice", path.display());
        }
        columns.push(*column);
    }
    if let Some(missing) = required.iter().find(|column| !columns.contains(column)) {
        bail!("{}:1: the column `{missing}` is missing", path.display());
    }
    let mut rows = Vec::new();
    let mut reached = (0, 1);
    for record in reader.records() {
        let record = record.map_err(|error| fault(path, text, &error))?;
        let line = record.position().map_or(0, |position| line_at(text, position, &mut reached));
        let cells = columns.iter().copied().zip(record.iter().map(unmarked)).collect();
        rows.push(Row { line, cells });
    }
    Ok(rows)
}

/// A file of these rows.
pub fn write(columns: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let memory = "memory takes everything";
    writer.write_record(columns).expect(memory);
    for row in rows {
        writer.write_record(row.iter().map(|cell| marked(cell))).expect(memory);
    }
    String::from_utf8(writer.into_inner().expect(memory)).expect("texts stay texts")
}

/// The line a record begins in. Its own position may lie before the end of the line above (`\r\n` ends at `\r`), or before
/// empty lines. `reached` is a byte and its line from which to count on.
fn line_at(text: &str, position: &csv::Position, reached: &mut (usize, u64)) -> u64 {
    let at = usize::try_from(position.byte()).unwrap_or(usize::MAX).min(text.len());
    let bytes = text.as_bytes();
    let begin = at + bytes[at..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    let passed = bytes[reached.0..begin].iter().filter(|byte| **byte == b'\n').count();
    *reached = (begin, reached.1 + passed as u64);
    reached.1
}

fn fault(path: &Path, text: &str, error: &csv::Error) -> anyhow::Error {
    let line = error.position().map_or(1, |position| line_at(text, position, &mut (0, 1)));
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            anyhow::anyhow!("{}:{line}: {len} cells, where the header has {expected_len}", path.display())
        }
        _ => anyhow::anyhow!("{}:{line}: {error}", path.display()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HARD: [&str; 13] =
        ["", "plain", "=1+1", "'=1+1", "-5", "+49 30", "@x", "'", "''", "a,\"b\"\nc", "'plain", " kept ", "a;=1+1"];

    #[test]
    fn every_cell_survives() {
        let text = write(&["name", "value"], HARD.iter().map(|cell| vec!["x".to_owned(), (*cell).to_owned()]));
        let rows = read(Path::new("f.csv"), &text, &["name", "value"], &[]).expect("readable");
        assert_eq!(rows.iter().map(|row| row.cell("value").expect("there")).collect::<Vec<_>>(), HARD);
        assert_eq!((rows[0].line, rows[11].line), (2, 14), "a cell may have several lines");
        assert!(text.contains("a;'=1+1"), "{text}");
    }

    #[test]
    fn what_is_wrong_with_a_file_is_named_with_its_line() {
        for (text, said) in [
            ("name,valeu\n", "f.csv:1: unknown column `valeu`; did you mean `value`?"),
            ("name;value\n", "f.csv:1: the columns are separated by `;`; separate them by `,`"),
            ("name,name\n", "f.csv:1: the column `name` is there twice"),
            ("name\n", "f.csv:1: the column `value` is missing"),
            ("name,value\na,b\na,b,c\n", "f.csv:3: 3 cells, where the header has 2"),
            ("name,value\r\na,b\r\n\r\na,b,c\r\n", "f.csv:4: 3 cells, where the header has 2"),
        ] {
            let fault = read(Path::new("f.csv"), text, &["name", "value"], &["type"]).err().expect("refused");
            assert_eq!(fault.to_string(), said);
        }
        assert!(read(Path::new("f.csv"), "Name, VALUE\na,b\n", &["name", "value"], &[]).is_ok());
    }
}
