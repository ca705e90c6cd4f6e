//! Tables for spreadsheets: RFC 4180, in UTF-8.

/// What a spreadsheet takes for the start of a formula (OWASP, "CSV Injection").
const FORMULA_STARTS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// A line of these cells. One that a spreadsheet would compute is made a text by a quotation mark before it.
pub(crate) fn line<'a>(cells: impl IntoIterator<Item = &'a str>) -> String {
    let mut line = String::new();
    for (index, cell) in cells.into_iter().enumerate() {
        if index > 0 {
            line.push(',');
        }
        let is_formula = cell.starts_with(FORMULA_STARTS);
        if is_formula || cell.contains(['"', ',', '\n', '\r']) {
            line.push('"');
            line.push_str(if is_formula { "'" } else { "" });
            line.push_str(&cell.replace('"', "\"\""));
            line.push('"');
        } else {
            line.push_str(cell);
        }
    }
    line.push_str("\r\n");
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_where_they_must_be_and_no_cell_is_a_formula() {
        assert_eq!(line(["a", "b c", ""]), "a,b c,\r\n");
        assert_eq!(line(["say \"so\"", "1,2", "a\nb"]), "\"say \"\"so\"\"\",\"1,2\",\"a\nb\"\r\n");
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"] {
            assert_eq!(line([formula]), format!("\"'{formula}\"\r\n"));
        }
    }
}
