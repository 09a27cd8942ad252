//! Splits Rust source into tokens, just well enough to find paths.

/// A word, a number, `::`, a string literal with its quotes, or one character of punctuation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) text: String,
    /// The line, from 1.
    pub(super) line: usize,
}

impl Token {
    /// Whether the token is an identifier or a keyword.
    pub(super) fn is_word(&self) -> bool {
        self.text.starts_with(|c: char| c.is_alphabetic() || c == '_')
    }
}

/// The tokens of a file, without comments, character literals, lifetimes and the items that are compiled only in tests.
pub(super) fn tokens(source: &str) -> Vec<Token> {
    without_tests(&Scanner { rest: source, line: 1 }.collect::<Vec<_>>())
}

struct Scanner<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Scanner<'a> {
    /// Consumes `length` bytes.
    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(length);
        self.line += taken.matches('\n').count();
        self.rest = rest;
        taken
    }

    /// Length in bytes of the comment that starts here, 0 if none does. Block comments nest.
    fn comment(&self) -> usize {
        if self.rest.starts_with("//") {
            return self.rest.find('\n').unwrap_or(self.rest.len());
        }
        if !self.rest.starts_with("/*") {
            return 0;
        }
        let (mut depth, mut end) = (0, 0);
        loop {
            let rest = &self.rest[end..];
            let (step, change) = match rest.chars().next() {
                None => return end,
                Some('/') if rest.starts_with("/*") => (2, 1),
                Some('*') if rest.starts_with("*/") => (2, -1),
                Some(c) => (c.len_utf8(), 0),
            };
            end += step;
            depth += change;
            if depth == 0 {
                return end;
            }
        }
    }

    /// Length in bytes of the string literal that starts here, 0 if none does.
    fn string(&self) -> usize {
        let prefix = self.rest.len() - self.rest.trim_start_matches(['b', 'c', 'r']).len();
        if prefix > 2 {
            return 0;
        }
        let raw = self.rest[..prefix].ends_with('r');
        let body = &self.rest[prefix..];
        let hashes = if raw { body.len() - body.trim_start_matches('#').len() } else { 0 };
        let Some(content) = body[hashes..].strip_prefix('"') else { return 0 };
        let start = prefix + hashes + 1;
        if raw {
            let end = format!("\"{}", "#".repeat(hashes));
            return content.find(&end).map_or(self.rest.len(), |place| start + place + end.len());
        }
        let mut escaped = false;
        for (place, c) in content.char_indices() {
            if c == '"' && !escaped {
                return start + place + 1;
            }
            escaped = c == '\\' && !escaped;
        }
        self.rest.len()
    }

    /// Length in bytes of the character literal or lifetime that starts here, 0 if neither does.
    fn quote(&self) -> usize {
        let Some(content) = self.rest.strip_prefix('\'') else { return 0 };
        let mut characters = content.char_indices();
        match characters.next() {
            // The character after the backslash may be a quote.
            Some((_, '\\')) => content[2..].find('\'').map_or(self.rest.len(), |place| place + 4),
            Some((_, first)) if content[first.len_utf8()..].starts_with('\'') => first.len_utf8() + 2,
            _ => 1 + content.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(content.len()),
        }
    }
}

impl Iterator for Scanner<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        loop {
            let blank = self.rest.len() - self.rest.trim_start().len();
            match [blank, self.comment(), self.quote()].into_iter().find(|length| *length > 0) {
                Some(length) => self.take(length),
                None => break,
            };
        }
        let first = self.rest.chars().next()?;
        let word = self.rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(self.rest.len());
        let length = match self.string() {
            0 if word > 0 => word,
            0 if self.rest.starts_with("::") => 2,
            0 => first.len_utf8(),
            string => string,
        };
        let line = self.line;
        Some(Token { text: self.take(length).to_owned(), line })
    }
}

/// Removes every item with `#[cfg(test)]` or another `cfg` that names `test`.
fn without_tests(tokens: &[Token]) -> Vec<Token> {
    let mut kept = Vec::new();
    let mut rest = tokens;
    while let [first, others @ ..] = rest {
        let attribute = attribute(rest);
        let names = |word: &str| attribute.iter().any(|token| token.text == word);
        if names("cfg") && names("test") && !names("not") {
            rest = &rest[attribute.len()..];
            rest = &rest[item(rest)..];
        } else {
            kept.push(first.clone());
            rest = others;
        }
    }
    kept
}

/// The outer attribute that starts here; empty if none does.
fn attribute(tokens: &[Token]) -> &[Token] {
    match tokens {
        [hash, open, ..] if hash.text == "#" && open.text == "[" => &tokens[..1 + group(&tokens[1..])],
        _ => &[],
    }
}

/// The number of tokens of the item that starts here, up to its semicolon or the end of its block.
fn item(tokens: &[Token]) -> usize {
    let mut end = 0;
    while !attribute(&tokens[end..]).is_empty() {
        end += attribute(&tokens[end..]).len();
    }
    // A `use` does not end with its braces.
    let mut head = tokens[end..].iter().take_while(|token| !matches!(token.text.as_str(), ";" | "{"));
    let is_use = head.any(|token| token.text == "use");
    while let Some(token) = tokens.get(end) {
        match token.text.as_str() {
            ";" => return end + 1,
            "{" if !is_use => return end + group(&tokens[end..]),
            "(" | "[" | "{" => end += group(&tokens[end..]),
            _ => end += 1,
        }
    }
    end
}

/// The number of tokens from an opening bracket to its closing bracket.
pub(super) fn group(tokens: &[Token]) -> usize {
    let mut depth = 0;
    for (place, token) in tokens.iter().enumerate() {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return place + 1;
        }
    }
    tokens.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(source: &str) -> Vec<String> {
        tokens(source).into_iter().map(|token| token.text).collect()
    }

    #[test]
    fn comments_characters_and_lifetimes_are_left_out() {
        let source = "a // crate::b\n/* /* c */ crate::d */ 'e' '\\'' '\\\\' <'f> r#\"g\"h\"# \"i\\\"//\" j::k";
        assert_eq!(texts(source), ["a", "<", ">", "r#\"g\"h\"#", "\"i\\\"//\"", "j", "::", "k"]);
        assert_eq!(tokens("a\n/*\n*/\"\n\" b").iter().map(|token| token.line).collect::<Vec<_>>(), [1, 3, 4]);
    }

    #[test]
    fn items_compiled_only_in_tests_are_left_out() {
        assert_eq!(texts("#[cfg(test)] #[allow(x)] mod tests { fn a() { {} } } b"), ["b"]);
        assert_eq!(texts("#[cfg(test)] pub(super) fn a(b: [u8; 2]) -> c { d } e"), ["e"]);
        assert_eq!(texts("#[cfg(test)] use a::{b, c}; d"), ["d"]);
        assert_eq!(texts("#[cfg(test)] mod tests { use a; } b; c"), ["b", ";", "c"]);
        assert_eq!(texts("#[cfg(not(test))] a").last().unwrap(), "a");
    }
}
