//! Tables for spreadsheets: RFC 4180, in UTF-8.

use msp_domain::cells;

/// What a file begins with, so that Excel reads it as UTF-8.
pub(crate) const BYTE_ORDER_MARK: &str = "\u{feff}";
/// The start of a file with these columns.
pub(crate) fn head<'a>(columns: impl IntoIterator<Item = &'a str>) -> String {
    BYTE_ORDER_MARK.to_owned() + &line(columns)
}

/// A line of these cells. What a spreadsheet would compute is made a text by an apostrophe before it.
pub(crate) fn line<'a>(cells: impl IntoIterator<Item = &'a str>) -> String {
    let mut line = String::new();
    for (index, cell) in cells.into_iter().enumerate() {
        if index > 0 {
            line.push(',');
        }
        let shown = cells::marked(cell);
        if shown.contains(['"', ',', ';', '\t', '\n', '\r']) {
            line.push('"');
            line.push_str(&shown.replace('"', "\"\""));
            line.push('"');
        } else {
            line.push_str(&shown);
        }
    }
    line.push_str("\r\n");
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_where_they_must_be() {
        assert_eq!(line(["a", "b c", ""]), "a,b c,\r\n");
        assert_eq!(line(["say \"so\"", "1,2", "a\nb"]), "\"say \"\"so\"\"\",\"1,2\",\"a\nb\"\r\n");
        assert_eq!(head(["a", "b"]), "\u{feff}a,b\r\n");
    }

    #[test]
    fn no_cell_is_a_formula_whatever_the_spreadsheet_separates_by() {
        assert_eq!(line(["=1", "x;=1"]), "'=1,\"x;'=1\"\r\n");
    }
}
