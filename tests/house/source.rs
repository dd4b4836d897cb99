//! Reads Rust just well enough to see which names, literals and functions a file has: comments and tests are taken out,
//! what stands in quotes is kept apart from the code.

/// One word, sign or literal of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    /// A name, a sign (`::` is one), or what a string literal means.
    pub(crate) text: String,
    /// Counted from 1.
    pub(crate) line: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A name, keyword or number.
    Word,
    /// `::` or one other character.
    Sign,
    /// A string.
    Text,
}

impl Token {
    pub(crate) fn is(&self, text: &str) -> bool {
        self.kind != Kind::Text && self.text == text
    }
}

/// A function with a body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Function {
    pub(crate) name: String,
    /// Where it begins.
    pub(crate) line: usize,
    /// From `fn` to the closing brace.
    pub(crate) lines: usize,
}

/// The tokens of a file without its comments and without what is compiled for tests only.
pub(crate) fn tokens(source: &str) -> Vec<Token> {
    without_tests(&Reader { rest: source, line: 1 }.read())
}

struct Reader<'a> {
    rest: &'a str,
    line: usize,
}

impl Reader<'_> {
    fn read(mut self) -> Vec<Token> {
        let mut tokens = Vec::new();
        while let Some(first) = self.rest.chars().next() {
            let line = self.line;
            let mut push = |kind, text: String| tokens.push(Token { kind, text, line });
            if first.is_whitespace() {
                self.skip(first.len_utf8());
            } else if self.rest.starts_with("//") {
                self.skip(self.rest.find('\n').unwrap_or(self.rest.len()));
            } else if self.rest.starts_with("/*") {
                self.skip(block_comment(self.rest));
            } else if let Some((text, length)) = string(self.rest) {
                push(Kind::Text, text);
                self.skip(length);
            } else if let Some(length) = character(self.rest) {
                self.skip(length);
            } else if first.is_alphanumeric() || first == '_' {
                let length =
                    self.rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(self.rest.len());
                push(Kind::Word, self.rest[..length].to_owned());
                self.skip(length);
            } else {
                let length = if self.rest.starts_with("::") { 2 } else { first.len_utf8() };
                push(Kind::Sign, self.rest[..length].to_owned());
                self.skip(length);
            }
        }
        tokens
    }

    fn skip(&mut self, length: usize) {
        let (skipped, rest) = self.rest.split_at(length);
        self.line += skipped.matches('\n').count();
        self.rest = rest;
    }
}

/// How long the comment is that begins here; comments nest.
fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    loop {
        if text[at..].starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if text[at..].starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
        } else {
            at += text[at..].chars().next().map_or(0, char::len_utf8);
        }
        if depth == 0 || at >= text.len() {
            return at;
        }
    }
}

/// What the string literal means that begins here, and how long it is: plain, raw, of bytes or for C.
fn string(text: &str) -> Option<(String, usize)> {
    let prefix = ["br", "cr", "r", "b", "c", ""]
        .into_iter()
        .find(|prefix| text.starts_with(prefix) && text[prefix.len()..].starts_with(['"', '#']))?;
    let rest = &text[prefix.len()..];
    if prefix.ends_with('r') {
        let hashes = rest.len() - rest.trim_start_matches('#').len();
        let content = rest[hashes..].strip_prefix('"')?;
        let end = content.find(&format!("\"{}", "#".repeat(hashes))).unwrap_or(content.len());
        let length = prefix.len() + hashes + 1 + end + 1 + hashes;
        return Some((content[..end].to_owned(), length.min(text.len())));
    }
    let content = rest.strip_prefix('"')?;
    let (mut meant, mut escaped, mut continued) = (String::new(), false, false);
    for (at, c) in content.char_indices() {
        match c {
            '"' if !escaped => return Some((meant, prefix.len() + at + 2)),
            '\\' if !escaped => {
                escaped = true;
                continue;
            }
            // A backslash at the end of a line joins it with the next one's first word.
            '\n' if escaped => continued = true,
            c if continued && c.is_whitespace() => {}
            c => {
                continued = false;
                meant.push(c);
            }
        }
        escaped = false;
    }
    Some((meant, text.len()))
}

/// How long the character literal is that begins here; none where it is a lifetime.
fn character(text: &str) -> Option<usize> {
    let rest = text.strip_prefix('\'')?;
    let mut chars = rest.char_indices();
    let (_, first) = chars.next()?;
    if first == '\\' {
        let (_, escaped) = chars.next()?;
        let from = 1 + escaped.len_utf8();
        return rest[from..].find('\'').map(|end| 1 + from + end + 1);
    }
    let (at, next) = chars.next()?;
    (next == '\'').then_some(1 + at + 1)
}

/// Takes out every item marked `#[cfg(test)]`, whether it ends in `;` or in a body.
fn without_tests(tokens: &[Token]) -> Vec<Token> {
    const MARK: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut kept = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while at < tokens.len() {
        let marked = tokens[at..].iter().map(|token| token.text.as_str()).take(MARK.len()).eq(MARK);
        if marked {
            at = end_of_item(tokens, at + MARK.len());
        } else {
            kept.push(tokens[at].clone());
            at += 1;
        }
    }
    kept
}

/// Behind the `;` or the closing brace with which the item ends that begins here.
fn end_of_item(tokens: &[Token], from: usize) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(from) {
        if token.kind != Kind::Sign {
            continue;
        }
        match token.text.as_str() {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => {
                depth = depth.saturating_sub(1);
                if depth == 0 && token.text == "}" {
                    return at + 1;
                }
            }
            ";" if depth == 0 => return at + 1,
            _ => {}
        }
    }
    tokens.len()
}

/// Every function that has a body, nested ones too.
pub(crate) fn functions(tokens: &[Token]) -> Vec<Function> {
    let mut found = Vec::new();
    for (at, pair) in tokens.windows(2).enumerate() {
        let [word, name] = pair else { continue };
        // `fn(…)` is a type.
        if !word.is("fn") || name.kind != Kind::Word {
            continue;
        }
        let end = end_of_item(tokens, at);
        let last = &tokens[end - 1];
        if last.is("}") {
            let lines = last.line - word.line + 1;
            found.push(Function { name: name.text.clone(), line: word.line, lines });
        }
    }
    found
}

#[test]
fn a_file_is_read_as_it_is_meant() {
    let source = "use a::b; // sqlx::x\n/* c /* d */ sqlx */ let s = \"one \\\n   \\\"two\\\"\";\nlet r = r#\"a \"q\" b\"#;\n\
                  fn f<'a>(x: &'a str) -> char { '\\'' }\n#[cfg(test)]\nmod tests { fn g() { \"}\"; } }\nlet z = '{';";
    let tokens = tokens(source);
    let of = |kind| tokens.iter().filter(move |token| token.kind == kind).map(|token| token.text.as_str());
    assert_eq!(of(Kind::Text).collect::<Vec<_>>(), ["one \"two\"", "a \"q\" b"]);
    let words: Vec<_> = of(Kind::Word).collect();
    assert!(!words.contains(&"sqlx") && !words.contains(&"tests") && !words.contains(&"g"), "{words:?}");
    assert!(words.ends_with(&["let", "z"]), "{words:?}");
    let last = tokens.last().expect("a token");
    assert_eq!((last.text.as_str(), last.line), (";", source.lines().count()));
}

#[test]
fn functions_are_measured_from_their_name_to_their_brace() {
    let source = "trait T { fn declared(&self); }\nfn one() {}\nfn two(\n    f: fn(u8) -> [u8; 2],\n) {\n    if x {\n    }\n}\n";
    let found = functions(&tokens(source));
    let of = |name: &str, line, lines| Function { name: name.to_owned(), line, lines };
    assert_eq!(found, [of("one", 2, 1), of("two", 3, 6)]);
}
