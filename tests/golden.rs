//! Known answers: what Django 4.2.30 itself said of these names, addresses and passwords.
//!
//! `data/golden.json` was printed by Django. Two kinds of input were too long to print whole: the usernames that end
//! in `...` are that character repeated `len` times, and `validators_user` is the account that `validators` was asked
//! about. `check_password_encoded` and `must_update_encoded` are the column values behind the cases of that name.

#![expect(clippy::expect_used, clippy::panic, reason = "helpers of tests fail the test")]

use std::collections::BTreeSet;

use portaldesk::portal::form::Field;
use portaldesk::portal::password::{
    About, Algorithm, Cost, MINIMUM_LENGTH, Recipe, Stored, Verdict, algorithm_name, describe, problems,
    read, unusable, verify,
};
use portaldesk::portal::{email, forms, rules};
use serde_json::{Map, Value};

fn golden() -> Value {
    serde_json::from_str(include_str!("data/golden.json")).expect("golden.json is JSON")
}

fn object<'a>(golden: &'a Value, name: &str) -> &'a Map<String, Value> {
    golden[name].as_object().unwrap_or_else(|| panic!("{name} is an object"))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is a text"))
}

fn size(value: &Value) -> usize {
    value.as_u64().and_then(|size| size.try_into().ok()).unwrap_or_else(|| panic!("{value} is a size"))
}

#[test]
fn every_encoding_of_django_verifies() {
    let golden = golden();
    for (which, encodings) in object(&golden, "encoded") {
        let password = golden["passwords"].get(which).map_or("", text);
        for (name, encoded) in encodings.as_object().expect("encodings by name") {
            let supported = Algorithm::ALL.iter().any(|algorithm| name.starts_with(algorithm.name()));
            let verdict = |verdict| if supported { verdict } else { Verdict::CannotVerify };
            assert_eq!(verify(password, text(encoded)), verdict(Verdict::Right), "{which} {name}");
            if name.contains("1000") || !supported {
                let longer = format!("{password}x");
                assert_eq!(verify(&longer, text(encoded)), verdict(Verdict::Wrong), "{which} {name}");
            }
        }
    }
}

#[test]
fn a_wrong_password_is_wrong_for_every_algorithm() {
    let golden = golden();
    for (name, encoded) in golden["encoded"]["A"].as_object().expect("encodings by name") {
        assert_ne!(verify("Alpha-Lab-2025", text(encoded)), Verdict::Right, "{name}");
    }
}

#[test]
fn encodings_are_read_and_described_without_their_hash() {
    let golden = golden();
    for (name, encoded) in golden["encoded"]["A"].as_object().expect("encodings by name") {
        let encoded = text(encoded);
        assert_eq!(encoded.chars().count(), size(&golden["encoded_lengths"][name]), "{name}");
        let algorithm = name.split(' ').next();
        assert_eq!(algorithm_name(encoded).as_deref(), algorithm, "{name}");
        let words = describe(encoded);
        let secrets = encoded.split('$').filter(|part| part.len() > 6 && Some(*part) != algorithm);
        for secret in secrets.filter(|part| !part.starts_with("argon2") && !part.starts_with("m=")) {
            assert!(!words.contains(secret), "{words}");
        }
    }
}

#[test]
fn check_password_decides_as_django() {
    let golden = golden();
    let password = text(&golden["passwords"]["A"]);
    for (name, verdict) in object(&golden, "check_password") {
        let encoded = text(&golden["check_password_encoded"][name]);
        let answer = verify(password, encoded);
        // Where Django answers with an error 500 its verdict is the error's text; ours is an answer all the same.
        assert_eq!(answer == Verdict::Right, verdict.as_bool() == Some(true), "{name}");
        if verdict.is_string() {
            assert_eq!((answer, read(encoded)), (Verdict::CannotVerify, Stored::Malformed), "{name}");
        }
    }
}

#[test]
fn what_we_write_django_does_not_rehash() {
    let golden = golden();
    let ours = [Recipe::argon2(), Recipe::pbkdf2_sha256(Recipe::DJANGO_4_2_ITERATIONS)];
    let written = ours.map(|recipe| recipe.hash("Alpha-Lab-2025!").expect("hashed"));
    // Everything but salt and hash, and how long those are.
    let shape = |encoded: &str| -> Vec<String> {
        let parts: Vec<&str> = encoded.split('$').collect();
        let secret = parts.len() - 2;
        let known = |(at, part): (usize, &&str)| {
            if at < secret { (*part).to_owned() } else { part.len().to_string() }
        };
        parts.iter().enumerate().map(known).collect()
    };
    for (name, rehashed) in object(&golden, "must_update") {
        let encoded = text(&golden["must_update_encoded"][name]);
        let Some(ours) = written.iter().find(|ours| algorithm_name(ours) == algorithm_name(encoded)) else {
            continue;
        };
        assert_eq!(shape(ours) != shape(encoded), rehashed.as_bool().expect("a verdict"), "{name}");
        assert_eq!(ours.len(), size(&golden["encoded_lengths"][algorithm_name(ours).expect("named")]));
    }
    for (name, cost) in [
        ("bcrypt_sha256", Cost::BcryptSha256 { log_rounds: 12 }),
        ("scrypt", Cost::Scrypt { n: 16_384, r: 8, p: 1 }),
    ] {
        assert_eq!(read(text(&golden["must_update_encoded"][name])), Stored::Usable(cost));
    }
}

#[test]
fn salts_are_as_long_as_djangos() {
    let golden = golden();
    let encoded = Recipe::pbkdf2_sha256(1).hash("x").expect("hashed");
    let salt = encoded.split('$').nth(2).expect("a salt");
    assert!(object(&golden, "salt_generated").values().all(|length| size(length) == salt.len()));
}

#[test]
fn unusable_passwords_are_as_django_writes_them() {
    let golden = golden();
    for value in [text(&golden["unusable_example"]), &unusable().expect("made")] {
        assert_eq!(value.len(), size(&golden["unusable_length"]));
        assert_eq!(read(value), Stored::Unusable);
        assert_eq!(describe(value), "unusable");
        assert_eq!(verify("", value), Verdict::Wrong);
    }
}

#[test]
fn usernames_get_djangos_verdict() {
    let golden = golden();
    for case in golden["username"].as_array().expect("cases") {
        let (length, regex_ok) = (size(&case["len"]), case["regex_ok"].as_bool().expect("a verdict"));
        let (mut name, mut normalised) = (text(&case["in"]).to_owned(), text(&case["nfkc"]).to_owned());
        if name.ends_with("...") {
            name = name.chars().take(1).collect::<String>().repeat(length);
            normalised.clone_from(&name);
        }
        assert_eq!(name.chars().count(), length, "{name}");
        assert_eq!(rules::matches_username_pattern(&name), regex_ok, "{name:?}");
        // The form strips, then normalises, then checks.
        let stripped = rules::strip(&normalised);
        let accepted = length <= rules::USERNAME_MAX && rules::matches_username_pattern(stripped);
        assert_eq!(rules::username(&name).ok().as_deref(), accepted.then_some(stripped), "{name:?}");
    }
}

#[test]
fn addresses_are_normalised_as_by_django() {
    for (address, normalised) in object(&golden(), "email") {
        assert_eq!(email::normalise(address), text(normalised), "{address:?}");
    }
}

#[test]
fn addresses_get_djangos_verdict() {
    for (address, verdict) in object(&golden(), "email_valid") {
        let verdict = verdict.as_bool().expect("a verdict");
        assert_eq!(email::is_valid(address), verdict, "{address}");
        assert_eq!(rules::email(address).is_ok(), verdict, "{address}");
    }
}

#[test]
fn new_passwords_get_djangos_verdict() {
    let golden = golden();
    let user = &golden["validators_user"];
    let about = About {
        username: text(&user["username"]),
        first_name: text(&user["first_name"]),
        last_name: text(&user["last_name"]),
        email: text(&user["email"]),
    };
    for (password, verdict) in object(&golden, "validators") {
        let ours: Vec<Value> = problems(password, &about, MINIMUM_LENGTH)
            .into_iter()
            .map(|problem| Value::from(vec![problem.code.to_owned(), problem.message]))
            .collect();
        assert_eq!(&Value::from(ours), verdict, "{password:?}");
    }
    assert!(text(&golden["validator_help"][1]).contains(&format!(" {MINIMUM_LENGTH} ")));
}

#[test]
fn the_common_passwords_are_djangos() {
    let golden = golden();
    let list: BTreeSet<&str> = include_str!("../src/portal/password/common.txt").lines().collect();
    assert_eq!(list.len(), size(&golden["common_passwords"]["n"]));
    let long = list.iter().filter(|password| password.chars().count() > 7).count();
    assert_eq!(long, size(&golden["common_passwords"]["longer_than_7"]));
}

#[test]
fn forms_hold_exactly_the_limits_of_the_models() {
    let golden = golden();
    let models: [(&str, &[Field]); 4] = [
        ("auth.User", &forms::USER),
        ("core.UserProfile", &forms::USER),
        ("auth.Group", &forms::GROUP),
        ("core.Department", &forms::DEPARTMENT),
    ];
    for (model, form) in models {
        for (name, facts) in golden["fields"][model].as_object().expect("fields by name") {
            let Some(field) = forms::find(form, name) else { continue };
            assert_eq!(
                field.max(),
                facts["max_length"].as_u64().map(|_| size(&facts["max_length"])),
                "{model} {name}"
            );
            let takes_blank = (field.check)("");
            let expected = match (text(&facts["type"]), facts["blank"].as_bool(), facts["null"].as_bool()) {
                ("BooleanField", ..) => (field.check)("maybe"),
                (_, Some(false), _) => Err(vec![rules::REQUIRED.to_owned()]),
                (_, _, Some(true)) => Ok(None),
                _ => Ok(Some(String::new())),
            };
            assert_eq!(takes_blank, expected, "{model} {name}");
        }
    }
    assert_eq!(rules::PASSWORD_COLUMN_MAX, size(&golden["fields"]["auth.User"]["password"]["max_length"]));
}
