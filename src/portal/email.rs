//! E-mail addresses as Django 4.2's `EmailValidator` judges and `BaseUserManager.normalize_email` writes them.

use std::net::{Ipv4Addr, Ipv6Addr};

use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

use super::rules::{Checked, EMAIL_MAX, strip, too_long, wrong_characters};

/// Django's message for an address that is none.
pub const INVALID: &str = "Enter a valid email address.";

/// Longest address the validator looks at (RFC 3696, section 3).
const VALIDATED_MAX: usize = 320;
/// Longest label of a domain name (RFC 1034).
const LABEL_MAX: usize = 63;
/// The one domain accepted without a dot.
const LOCALHOST: &str = "localhost";

/// An e-mail address: at most 254, may be empty; stripped, and its domain in lower case.
///
/// # Errors
/// Not an address by Django's rules, too long, or control characters.
pub fn email(text: &str) -> Checked<String> {
    let address = normalise(strip(text));
    if address.is_empty() {
        return Ok(address);
    }
    let mut problems = Vec::new();
    if !is_valid(&address) {
        problems.push(INVALID.to_owned());
    }
    problems.extend(too_long(&address, EMAIL_MAX));
    problems.extend(wrong_characters(&address));
    if problems.is_empty() { Ok(address) } else { Err(problems) }
}

/// The address stripped and with its domain in lower case; what has no `@` comes back as it is.
#[must_use]
pub fn normalise(address: &str) -> String {
    match strip(address).rsplit_once('@') {
        Some((user, domain)) => format!("{user}@{}", domain.to_lowercase()),
        None => address.to_owned(),
    }
}

/// Whether Django's `EmailValidator` accepts the address as it stands.
#[must_use]
pub fn is_valid(address: &str) -> bool {
    if address.chars().count() > VALIDATED_MAX {
        return false;
    }
    address.rsplit_once('@').is_some_and(|(user, domain)| {
        is_user(user)
            && (domain == LOCALHOST
                || is_domain(domain)
                || to_ascii(domain).is_some_and(|domain| is_domain(&domain)))
    })
}

/// The part before the `@`: a dot-atom or a quoted string.
fn is_user(user: &str) -> bool {
    let is_atom = |atom: &str| {
        !atom.is_empty()
            && atom.chars().all(|c| c.is_ascii_alphanumeric() || "-!#$%&'*+/=?^_`{}|~".contains(c))
    };
    user.split('.').all(is_atom) || is_quoted(user)
}

/// A quoted string of RFC 5322, as Django's pattern has it (so without plain spaces).
fn is_quoted(user: &str) -> bool {
    let Some(inside) = user.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return false;
    };
    let mut characters = inside.chars();
    while let Some(c) = characters.next() {
        let fits = match c {
            '\\' => matches!(characters.next(), Some('\x01'..='\x09' | '\x0b' | '\x0c' | '\x0e'..='\x7f')),
            _ => {
                matches!(c, '\x01'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '!' | '#'..='[' | ']'..='\x7f')
            }
        };
        if !fits {
            return false;
        }
    }
    true
}

/// A domain name of ASCII with at least one dot, or an address in brackets.
fn is_domain(domain: &str) -> bool {
    if let Some(literal) = domain.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return literal.parse::<Ipv4Addr>().is_ok() || literal.parse::<Ipv6Addr>().is_ok();
    }
    let is_ldh = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let Some((labels, top)) = domain.rsplit_once('.') else {
        return false;
    };
    let is_label = |label: &str| {
        (1..=LABEL_MAX).contains(&label.len())
            && label.chars().all(is_ldh)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    labels.split('.').all(is_label)
        && (2..=LABEL_MAX).contains(&top.len())
        && top.chars().all(is_ldh)
        && !top.ends_with('-')
}

/// The domain with its non-ASCII labels in their `xn--` form (IDNA 2003, as Python's codec); none where there is
/// no such form.
fn to_ascii(domain: &str) -> Option<String> {
    let labels: Option<Vec<String>> = domain.split(['.', '。', '．', '｡']).map(label_to_ascii).collect();
    Some(labels?.join("."))
}

fn label_to_ascii(label: &str) -> Option<String> {
    let prepared: String = label.nfkc().flat_map(char::to_lowercase).nfkc().collect();
    let label = if label.is_ascii() { label } else { &prepared };
    let ascii = if label.is_ascii() {
        label.to_owned()
    } else {
        let prohibited = |c: char| {
            c.is_whitespace()
                || matches!(
                    c.general_category(),
                    GeneralCategory::Control
                        | GeneralCategory::Format
                        | GeneralCategory::PrivateUse
                        | GeneralCategory::Unassigned
                )
        };
        if label.contains(prohibited) || label.starts_with("xn--") {
            return None;
        }
        format!("xn--{}", punycode(label)?)
    };
    (1..=LABEL_MAX).contains(&ascii.len()).then_some(ascii)
}

/// Punycode of RFC 3492, section 6.3; none on overflow.
fn punycode(label: &str) -> Option<String> {
    let mut encoded: String = label.chars().filter(char::is_ascii).collect();
    let basic = u32::try_from(encoded.len()).ok()?;
    if basic > 0 {
        encoded.push('-');
    }
    let total = u32::try_from(label.chars().count()).ok()?;
    let (mut next, mut delta, mut bias, mut handled) = (128_u32, 0_u32, 72_u32, basic);
    while handled < total {
        let smallest = label.chars().map(u32::from).filter(|code| *code >= next).min()?;
        delta = delta.checked_add((smallest - next).checked_mul(handled + 1)?)?;
        next = smallest;
        for code in label.chars().map(u32::from) {
            if code < next {
                delta = delta.checked_add(1)?;
            } else if code == next {
                push_number(&mut encoded, delta, bias);
                bias = adapt(delta, handled + 1, handled == basic);
                delta = 0;
                handled += 1;
            }
        }
        delta = delta.checked_add(1)?;
        next += 1;
    }
    Some(encoded)
}

/// One generalised variable-length integer (RFC 3492, section 3.3).
fn push_number(encoded: &mut String, number: u32, bias: u32) {
    const DIGITS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let mut digit = |value: u32| encoded.push(char::from(DIGITS[value as usize % DIGITS.len()]));
    let threshold = |place: u32| (36 * place).saturating_sub(bias).clamp(1, 26);
    let (mut rest, mut place) = (number, 1);
    while rest >= threshold(place) {
        let base = 36 - threshold(place);
        let above = rest - threshold(place);
        digit(threshold(place) + above % base);
        rest = above / base;
        place += 1;
    }
    digit(rest);
}

/// How the bias follows the numbers seen (RFC 3492, section 6.1).
fn adapt(delta: u32, points: u32, first: bool) -> u32 {
    let mut delta = if first { delta / 700 } else { delta / 2 };
    delta += delta / points;
    let mut k = 0;
    while delta > 455 {
        delta /= 35;
        k += 36;
    }
    k + 36 * delta / (delta + 38)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_stripped_and_its_domain_lowered() {
        assert_eq!(email(" Eve@Example.COM ").unwrap(), "Eve@example.com");
        assert_eq!(email("").unwrap(), "");
        assert_eq!(email("a b@c.de").unwrap_err(), [INVALID]);
        let long = format!("{}@c.de", "x".repeat(EMAIL_MAX));
        assert_eq!(email(&long).unwrap_err(), ["Ensure this value has at most 254 characters (it has 259)."]);
    }

    #[test]
    fn odd_addresses_get_djangos_verdict() {
        for (address, verdict) in [
            ("\"quoted\"@c.de", true),
            ("\"a\\ b\"@c.de", true),
            ("\"a\"b\"@c.de", false),
            ("\"@c.de", false),
            ("a@[::1]", true),
            ("a@[1.2.3]", false),
            ("a@b.-co", true),
            ("a@b.co-", false),
            ("a@.co", false),
            ("a@b..co", false),
            ("@b.co", false),
            ("a@münchen.example", true),
            ("a@密码.中国", true),
            ("a@ü b.de", false),
            ("a@ü_b.de", false),
            ("a@b。de", true),
        ] {
            assert_eq!(is_valid(address), verdict, "{address}");
        }
    }

    #[test]
    fn punycode_is_that_of_the_rfc() {
        assert_eq!(to_ascii("bücher.example").as_deref(), Some("xn--bcher-kva.example"));
        assert_eq!(to_ascii("MÜNCHEN.de").as_deref(), Some("xn--mnchen-3ya.de"));
        assert_eq!(punycode("他们为什么不说中文").as_deref(), Some("ihqwcrb4cv8a8dqg056pqjye"));
        assert_eq!(punycode("3年B組金八先生").as_deref(), Some("3B-ww4c5e180e575a65lsy2b"));
    }
}
