//! An estimate of how hard a password is to guess, for the person who is typing it.

use super::validate::About;

/// Characters that are looked at: the estimate takes time that grows with the square, and is at its best by then.
const LOOKED_AT: usize = 72;

/// How hard a password is to guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Strength {
    /// From 0, guessed at once, to 4, beyond reach (zxcvbn's score).
    pub score: u8,
    /// The same in a word or two.
    pub words: &'static str,
}

/// The estimate of zxcvbn, which knows words, names, dates, keyboard walks and the account's own names.
#[must_use]
pub fn strength(password: &str, about: &About<'_>) -> Strength {
    let start: String = password.chars().take(LOOKED_AT).collect();
    let names: Vec<String> = [about.username, about.first_name, about.last_name, about.email]
        .iter()
        .flat_map(|name| name.split('@').take(2))
        .map(|name| name.chars().take(LOOKED_AT).collect())
        .filter(|name: &String| !name.is_empty())
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let score = u8::from(zxcvbn::zxcvbn(&start, &names).score());
    let words = match score {
        0 => "very weak",
        1 => "weak",
        2 => "fair",
        3 => "good",
        _ => "strong",
    };
    Strength { score, words }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn guessable_passwords_score_low() {
        let about = About { username: "bela", last_name: "Novakova", ..About::default() };
        assert_eq!(strength("", &about).score, 0);
        assert_eq!(strength("password1", &about), Strength { score: 0, words: "very weak" });
        assert_eq!(strength("kX7#vq-92Lm!pZ", &about), Strength { score: 4, words: "strong" });
        assert!(strength("novakova", &about).score < strength("novakova", &About::default()).score);
    }

    #[test]
    fn endless_input_is_cut() {
        assert_eq!(strength(&"kX7#vq-92Lm!pZ".repeat(10_000), &About::default()).score, 4);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn anything_can_be_estimated(password in any::<String>(), name in any::<String>()) {
            let about = About { email: &name, ..About::default() };
            prop_assert!(strength(&password, &about).score <= 4);
        }
    }
}
