//! The forms of connecting, as they look and as they answer.

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::layout::Size;

use super::ways::Ways;
use super::*;
use crate::change::Actor;
use crate::config::PortalConfig;
use crate::directory::Settings;
use crate::tui::cx::Cx;
use crate::tui::screens::chooser::Chooser;
use crate::tui::start::Load;
use std::sync::Arc;

/// The terminal's sizes, without the first line, the last line and the rules.
const SIZES: [(u16, u16); 3] = [(80, 20), (120, 36), (40, 6)];

fn opening() -> Opening {
    Opening {
        target: Target::file(&PathBuf::from("/srv/portal.sqlite3")).expect("a file"),
        settings: Settings::default(),
        actor: Actor::unix("root", None),
        config_file: Some(PathBuf::from("/home/amir/.config/portaldesk/config.toml")),
    }
}

fn form(fields: &[(&str, &str)]) -> Connect {
    let mut screen = Connect::new(opening());
    for (name, text) in fields {
        screen.form.set_text(name, text);
    }
    screen
}

fn shown(screen: &mut dyn Screen, (width, height): (u16, u16)) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a test terminal");
    terminal.draw(|frame| screen.draw(frame, frame.area(), &Theme::default())).expect("it draws");
    terminal.backend().to_string()
}

fn refusal() -> Refusal {
    let shown = Fingerprint::parse(&"5a".repeat(32));
    Refusal::unknown_authority("db1", 3306, shown)
}

#[test]
fn the_form_in_every_size() {
    for size in SIZES {
        let mut screen = form(&[("host", "db1"), ("name", "alpha"), ("user", "clerk")]);
        insta::assert_snapshot!(format!("form {}x{}", size.0, size.1), shown(&mut screen, size));
        let said =
            "the server refuses the account: Access denied for user 'clerk'@'10.0.0.7' (using password: YES)";
        let error = Error::unreachable(format!("The database cannot be reached: {said} (mysql alpha@db1)"));
        screen.refuse(&error.and_field("password", said));
        insta::assert_snapshot!(format!("refused {}x{}", size.0, size.1), shown(&mut screen, size));
    }
}

#[test]
fn the_ways_out_in_every_size() {
    for size in SIZES {
        let mut screen = Ways::new(&refusal());
        let mut cx = Cx::new(Size::new(80, 24));
        if size.1 < 10 {
            screen.act(Action::Down, &mut cx);
        }
        insta::assert_snapshot!(format!("ways {}x{}", size.0, size.1), shown(&mut screen, size));
    }
}

#[test]
fn what_is_kept_in_every_size() {
    for size in SIZES {
        let mut opening = opening();
        opening.target = Target::server(Engine::MySql, "db1", None, "alpha").expect("a server");
        opening.target.password = Some(SecretString::from("canary-7f"));
        let mut screen = keep::Keep::of(opening, "users: 1204".to_owned());
        insta::assert_snapshot!(format!("keep {}x{}", size.0, size.1), shown(&mut screen, size));
    }
}

#[test]
fn several_portals_in_every_size() {
    let portal = |name: &str, label: Option<&str>, host: &str| PortalConfig {
        name: Some(name.to_owned()),
        label: label.map(str::to_owned),
        colour: None,
        target: Target::server(Engine::MySql, host, None, "alpha").expect("a server"),
        embedded: false,
        read_only: false,
    };
    let portals = [portal("live", Some("Alpha Lab PROD"), "db1"), portal("test", None, "localhost")].to_vec();
    let load: Load = Arc::new(|_| Err(Error::usage("the password file /etc/p could not be read")));
    for size in SIZES {
        let mut screen = Chooser::new(portals.clone(), Arc::clone(&load), opening());
        let mut cx = Cx::new(Size::new(80, 24));
        screen.act(Action::Down, &mut cx);
        insta::assert_snapshot!(format!("chooser {}x{}", size.0, size.1), shown(&mut screen, size));
        screen.act(Action::Choose, &mut cx);
        assert_eq!(format!("{:?}", cx.effects()), "[Start(chooser.open: opening test)]");
        assert!(screen.enabled(Action::Choose).is_err(), "one at a time");
    }
}

#[test]
fn what_is_missing_is_said_at_its_field_and_nothing_is_started() {
    for (fields, wrong) in [
        (&[("port", "x")][..], "port"),
        (&[("port", "0")], "port"),
        (&[], "name"),
        (&[("name", "alpha"), ("host", "")], "host"),
        (&[("name", "alpha"), ("host", "/run/x.sock"), ("ca_file", "/etc/ca.pem")], "ca_file"),
        (&[("name", "alpha"), ("host", "db1"), ("ca_file", "ca.pem")], "ca_file"),
        (&[("name", "alpha"), ("host", "db1"), ("pinned_certificate", "5A:5A")], "pinned_certificate"),
        (
            &[("name", "alpha"), ("host", "db1"), ("ca_file", "/a"), ("pinned_certificate", "5A")],
            "pinned_certificate",
        ),
    ] {
        let mut cx = Cx::new(Size::new(80, 24));
        let mut screen = form(fields);
        screen.act(Action::Review, &mut cx);
        assert_eq!(format!("{:?}", cx.effects()), "[]", "{fields:?}");
        assert_eq!(screen.form.focused(), Some(wrong), "{fields:?}");
        assert!(screen.refused.is_some());
    }
}

#[test]
fn the_port_follows_the_engine_unless_it_was_typed() {
    let mut cx = Cx::new(Size::new(80, 24));
    let mut screen = form(&[]);
    screen.act(Action::NextChoice, &mut cx);
    assert_eq!(screen.form.text("port"), "5432");
    screen.act(Action::NextChoice, &mut cx);
    screen.act(Action::PreviousChoice, &mut cx);
    screen.act(Action::PreviousChoice, &mut cx);
    assert_eq!(screen.form.text("port"), "3306");
    screen.form.set_text("port", "13306");
    screen.act(Action::NextChoice, &mut cx);
    assert_eq!(screen.form.text("port"), "13306");
}

#[test]
fn a_way_out_goes_into_the_form_and_connects_nothing() {
    let typed = [("name", "alpha"), ("host", "db1"), ("ca_file", "/etc/old.pem")];
    for (at, out) in refusal().ways_out().into_iter().enumerate() {
        let mut cx = Cx::new(Size::new(80, 24));
        let mut screen = form(&typed);
        screen.take(&out.way);
        assert!(cx.take().is_empty());
        let target = screen.target();
        match out.way {
            Way::Tunnel(port) => {
                assert_eq!(
                    target.expect("a target").address,
                    Address::Host { host: "127.0.0.1".into(), port }
                );
            }
            Way::Authority => assert_eq!(screen.form.focused(), Some("ca_file")),
            Way::Pin(pin) => assert_eq!(target.expect("a target").tls, Tls::Pinned(pin)),
            Way::Name(_) => panic!("{at}: the name is right"),
        }
    }
}

#[test]
fn what_was_typed_stays_when_it_was_wrong() {
    let mut cx = Cx::new(Size::new(80, 24));
    let mut screen = form(&[("name", "alpha"), ("host", "db1"), ("password", "canary-7f")]);
    screen.act(Action::Review, &mut cx);
    assert_eq!(format!("{:?}", cx.take()), "[Start(connect.connect: connecting)]");
    assert!(screen.enabled(Action::Review).is_err(), "one try at a time");
    let error = Error::unreachable("no").and_field("password", "wrong");
    screen.reply(&mut Reply::of(&CONNECT, Err(error)), &mut cx);
    assert_eq!((screen.form.text("password"), screen.form.focused()), ("canary-7f", Some("password")));
    assert!(!shown(&mut screen, (80, 20)).contains("canary"));
    screen.reply(&mut Reply::of(&CONNECT, Ok(Outcome::Untrusted(Box::new(refusal())))), &mut cx);
    assert_eq!(format!("{:?}", cx.take()), "[Push(Not trusted)]");
}
