//! Believable people, the same for the same seed: names, telephones, dates, and here and there a fault.

use chrono::{DateTime, TimeDelta, Utc};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::portal::access::Level;

const FIRST: [&str; 64] = [
    "Amir", "Ana", "Anders", "Anika", "Bela", "Bruno", "Carla", "Chen", "Clara", "Daniel", "Diego", "Elena",
    "Emil", "Emma", "Erik", "Eva", "Farah", "Felix", "Fatima", "Gabriel", "Grace", "Hana", "Hugo", "Ibrahim",
    "Ines", "Ivan", "Jana", "Jonas", "José", "Julia", "Kamal", "Karin", "Kenji", "Laura", "Leila", "Liam",
    "Lucía", "Marek", "Maria", "Mateo", "Mei", "Milan", "Mina", "Nadia", "Nils", "Noor", "Olga", "Omar",
    "Paula", "Petra", "Priya", "Ravi", "Renée", "Rosa", "Samir", "Sara", "Sofia", "Stefan", "Tariq", "Theo",
    "Vera", "Yusuf", "Zoë", "Zsófia",
];

const LAST: [&str; 96] = [
    "Abadi",
    "Ahmed",
    "Alvarez",
    "Andersen",
    "Bauer",
    "Becker",
    "Berg",
    "Bianchi",
    "Blanc",
    "Brandt",
    "Brown",
    "Castro",
    "Chandra",
    "Costa",
    "Cruz",
    "Dahl",
    "Danso",
    "Dias",
    "Dubois",
    "Dvorak",
    "Eriksson",
    "Farkas",
    "Fernández",
    "Ferrari",
    "Fischer",
    "Fontaine",
    "Fuchs",
    "Garcia",
    "Gomes",
    "Grant",
    "Gupta",
    "Haas",
    "Hansen",
    "Hassan",
    "Hoffmann",
    "Horvath",
    "Huber",
    "Ibrahim",
    "Ito",
    "Ivanov",
    "Jansen",
    "Jovanović",
    "Kaya",
    "Keller",
    "Khan",
    "Kim",
    "Klein",
    "Kovács",
    "Kowalski",
    "Kumar",
    "Lang",
    "Larsen",
    "Laurent",
    "Lee",
    "Lindgren",
    "Lopez",
    "Mahmoud",
    "Marino",
    "Martin",
    "Meyer",
    "Molnár",
    "Moreau",
    "Müller",
    "Nagy",
    "Nguyen",
    "Nielsen",
    "Novak",
    "Okafor",
    "Oliveira",
    "Olsen",
    "Park",
    "Patel",
    "Pereira",
    "Petrov",
    "Popescu",
    "Rahman",
    "Reyes",
    "Ricci",
    "Rossi",
    "Ruiz",
    "Sato",
    "Schmidt",
    "Silva",
    "Singh",
    "Smith",
    "Sousa",
    "Suzuki",
    "Szabó",
    "Tanaka",
    "Tóth",
    "Vargas",
    "Vidal",
    "Vogel",
    "Weber",
    "Wong",
    "Yilmaz",
];

/// Names in a changing order; it shares no factor with the number of pairs, so that all come up before any repeats.
const STRIDE: usize = 2501;

/// Departments, and whether they are active; the inactive one comes last, and only a fault gives it members.
pub(super) const DEPARTMENTS: [(&str, bool); 20] = [
    ("Accounting", true),
    ("Analytics", true),
    ("Biology Lab", true),
    ("Calibration", true),
    ("Chemistry Lab", true),
    ("Electronics", true),
    ("Facilities", true),
    ("Field Service", true),
    ("Human Resources", true),
    ("Information Technology", true),
    ("Legal", true),
    ("Logistics", true),
    ("Maintenance", true),
    ("Microscopy", true),
    ("Procurement", true),
    ("Quality Assurance", true),
    ("Reception", true),
    ("Safety", true),
    ("Security", true),
    ("Telephone Exchange", false),
];

/// Random numbers that are the same for the same seed and place (`SplitMix64`, Steele, Lea and Flood 2014).
pub(super) struct Dice(u64);

impl Dice {
    pub(super) const fn new(seed: u64, place: u64) -> Self {
        Self(seed ^ place.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to `most` - 1.
    pub(super) fn below(&mut self, most: u64) -> u64 {
        self.roll() % most.max(1)
    }

    fn percent(&mut self, share: u64) -> bool {
        self.below(100) < share
    }

    fn days(&mut self, most: u64) -> TimeDelta {
        TimeDelta::seconds(i64::try_from(self.below(most * 86_400)).unwrap_or(0))
    }
}

/// What is wrong with someone's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// PRF-001: a user without a profile.
    NoProfile,
    /// PRF-003: a profile whose user is gone.
    OrphanProfile,
    /// REL-001: a membership whose user is gone.
    GhostMember,
    /// PID-001: the portal id of somebody else.
    SamePortalId,
    /// TXT-001: a phone number of blanks.
    BlankPhone,
    /// GRP-003: a superuser outside the Admin group.
    OutsideAdmin,
    /// USR-003: no role at all.
    NoRole,
    /// USR-001: the neighbour's name in capitals.
    TwinName,
    /// USR-002: somebody else's e-mail address.
    SameEmail,
    /// USR-004: a username that Django refuses.
    OddName,
    /// PWD-002: a password that nobody hashed.
    OpenPassword,
    /// PWD-003: a password that an older Django hashed.
    OldPassword,
    /// DEP-001: a department that was closed.
    ClosedDepartment,
}

impl Fault {
    /// Whether the user's own row is missing.
    pub(super) const fn without_user(self) -> bool {
        matches!(self, Self::OrphanProfile | Self::GhostMember)
    }

    /// The fault of this place, for `share` of a million.
    pub(super) fn at(dice: &mut Dice, share: u64) -> Option<Self> {
        if dice.below(1_000_000) >= share {
            return None;
        }
        Some(match dice.below(100) {
            0..32 => Self::NoProfile,
            32..35 => Self::TwinName,
            35..38 => Self::SameEmail,
            38..41 => Self::OddName,
            41..44 => Self::OpenPassword,
            44..47 => Self::OldPassword,
            47..50 => Self::ClosedDepartment,
            50..65 => Self::OrphanProfile,
            65..75 => Self::GhostMember,
            75..85 => Self::SamePortalId,
            85..93 => Self::BlankPhone,
            93..98 => Self::NoRole,
            _ => Self::OutsideAdmin,
        })
    }
}

/// Someone of the sample.
pub(super) struct Person {
    pub(super) username: String,
    pub(super) first_name: &'static str,
    pub(super) last_name: &'static str,
    pub(super) email: String,
    pub(super) phone_number: Option<String>,
    pub(super) main_portal_id: Option<String>,
    /// From 1, in the order of [`DEPARTMENTS`].
    pub(super) department: Option<i64>,
    pub(super) email_notifications: bool,
    pub(super) level: Option<Level>,
    pub(super) superuser: bool,
    pub(super) active: bool,
    pub(super) joined: DateTime<Utc>,
    pub(super) last_login: Option<DateTime<Utc>>,
    pub(super) updated: DateTime<Utc>,
}

impl Person {
    /// The person of a number from 0; no two numbers give the same username or portal id.
    pub(super) fn of(number: usize, dice: &mut Dice, now: DateTime<Utc>) -> Self {
        let pairs = FIRST.len() * LAST.len();
        let pair = number.wrapping_mul(STRIDE) % pairs;
        let (first_name, last_name) = (FIRST[pair % FIRST.len()], LAST[pair / FIRST.len()]);
        let round = match number / pairs {
            0 => String::new(),
            repeated => (repeated + 1).to_string(),
        };
        let username = format!("{}.{}{round}", plain(first_name), plain(last_name));
        let joined = now - dice.days(1500);
        let since = u64::try_from((now - joined).num_days()).unwrap_or(0).max(1);
        let last_login = match dice.below(100) {
            0..60 => Some((now - dice.days(60)).max(joined)),
            60..80 => Some(now - dice.days(since)),
            _ => None,
        };
        let active_departments = DEPARTMENTS.iter().filter(|(_, active)| *active).count() as u64;
        let department = dice.percent(95).then(|| 1 + dice.below(active_departments).cast_signed());
        let level = match dice.below(100) {
            0..2 => Level::Admin,
            2..14 => Level::AmcAdmin,
            _ => Level::Engineer,
        };
        Self {
            email: format!("{username}@alphalab.example"),
            username,
            first_name,
            last_name,
            phone_number: dice
                .percent(80)
                .then(|| format!("+1-555-{:03}-{:04}", dice.below(1000), dice.below(10_000))),
            main_portal_id: dice.percent(70).then(|| portal_id(number)),
            department,
            email_notifications: !dice.percent(15),
            level: Some(level),
            superuser: false,
            active: !dice.percent(6),
            joined,
            last_login,
            updated: now - dice.days(since),
        }
    }

    /// Gives the person a fault that shows in their own rows, some of them by way of somebody else or of the one before.
    pub(super) fn spoil(
        &mut self,
        fault: Fault,
        other: impl FnOnce() -> Self,
        before: impl FnOnce() -> Self,
    ) {
        match fault {
            // The first of the known people surely has one.
            Fault::SamePortalId => {
                self.main_portal_id = Some(other().main_portal_id.unwrap_or_else(|| portal_id(0)));
            }
            Fault::SameEmail => self.email = other().email,
            // Nobody else has the same one before them, so that the name is unique all the same.
            Fault::TwinName => {
                self.username = before().username.to_uppercase();
                self.active = true;
            }
            Fault::OddName => self.username = self.username.replace('.', " "),
            Fault::ClosedDepartment => {
                self.department = i64::try_from(DEPARTMENTS.len()).ok();
                self.active = true;
            }
            Fault::BlankPhone => self.phone_number = Some("  ".to_owned()),
            Fault::NoRole => {
                self.level = None;
                self.active = true;
            }
            Fault::OutsideAdmin => {
                self.level = None;
                self.superuser = true;
                // Without a usable password an active one would be a second, graver fault.
                self.active = false;
            }
            Fault::NoProfile
            | Fault::OrphanProfile
            | Fault::GhostMember
            | Fault::OpenPassword
            | Fault::OldPassword => {}
        }
    }
}

pub(super) fn portal_id(number: usize) -> String {
    format!("AL-{:06}", number + 1)
}

/// Lower-case letters without marks.
fn plain(name: &str) -> String {
    name.nfkd().filter(|letter| !is_combining_mark(*letter)).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique_and_fit_the_rules() {
        let now = Utc::now();
        let people = FIRST.len() * LAST.len() * 2;
        let names: BTreeSet<String> = (0..people)
            .map(|number| Person::of(number, &mut Dice::new(1, number as u64), now).username)
            .collect();
        assert_eq!(names.len(), people);
        assert!(names.iter().all(|name| crate::portal::rules::username(name).is_ok()));
    }

    #[test]
    fn dates_are_in_order() {
        let now = Utc::now();
        for number in 0..2000 {
            let person = Person::of(number, &mut Dice::new(7, number as u64), now);
            assert!(person.joined <= person.updated && person.updated <= now);
            assert!(person.last_login.is_none_or(|login| person.joined <= login && login <= now));
        }
    }

    #[test]
    fn the_share_of_faults_is_kept() {
        let faults =
            (0..100_000).filter(|place| Fault::at(&mut Dice::new(3, *place), 30_000).is_some()).count();
        assert!((2_700..3_300).contains(&faults), "{faults}");
        assert!((0..1000).all(|place| Fault::at(&mut Dice::new(3, place), 0).is_none()));
    }
}
