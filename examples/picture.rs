//! Draws the pictures in `docs/`: runs the real program on a sample portal in a terminal of its own and writes what
//! stands on the screen as SVG. `cargo build && cargo run --example picture`.

use std::error::Error;
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};

const ROWS: u16 = 24;
const COLUMNS: u16 = 132;

/// One character's size in the picture.
const WIDTH: f32 = 8.4;
const HEIGHT: f32 = 18.0;

fn main() -> Result<(), Box<dyn Error>> {
    let size = PtySize { rows: ROWS, cols: COLUMNS, pixel_width: 0, pixel_height: 0 };
    let pair = native_pty_system().openpty(size)?;
    // Built the same way as this example, which stands in a folder below it.
    let here = std::env::current_exe()?;
    let built = here.parent().and_then(std::path::Path::parent).ok_or("there is no folder above")?;
    let program = built.join("portaldesk");
    let mut command = CommandBuilder::new(program);
    command.args(["demo", "--faults", "1"]);
    command.cwd(std::env::current_dir()?);
    command.env("TERM", "xterm-256color");
    let mut child = pair.slave.spawn_command(command)?;
    let mut reader = pair.master.try_clone_reader()?;
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 8192];
        while let Ok(count @ 1..) = reader.read(&mut buffer) {
            if sender.send(buffer[..count].to_vec()).is_err() {
                break;
            }
        }
    });
    let mut keys = pair.master.take_writer()?;
    let cells = |number: u16| std::num::NonZero::new(number).ok_or("a size of nothing");
    let mut screen = vt100::Parser::new(cells(ROWS)?, cells(COLUMNS)?, 0);
    settle(&receiver, &mut screen, "USERNAME")?;
    keys.write_all(b"jjjj")?;
    settle(&receiver, &mut screen, "Can sign in")?;
    std::fs::write("docs/users.svg", svg(screen.screen()))?;
    keys.write_all(b"q")?;
    child.wait()?;
    Ok(())
}

/// Reads until the text stands on the screen and nothing has come for a moment.
fn settle(
    receiver: &mpsc::Receiver<Vec<u8>>,
    screen: &mut vt100::Parser,
    text: &str,
) -> Result<(), Box<dyn Error>> {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        match receiver.recv_timeout(Duration::from_millis(500)) {
            Ok(bytes) => screen.process(&bytes),
            Err(_) if screen.screen().contents().contains(text) => return Ok(()),
            Err(error) if Instant::now() > deadline => {
                return Err(format!("{text} never came: {error}").into());
            }
            Err(_) => {}
        }
    }
}

fn colour(colour: vt100::Color, default: &str) -> String {
    const SIXTEEN: [&str; 16] = [
        "#1d1f21", "#cc6666", "#8abe6a", "#e0b84c", "#6f9fd8", "#b294bb", "#69b8b0", "#c5c8c6", "#7f848a",
        "#e06c75", "#98c379", "#e5c07b", "#81a2be", "#c678dd", "#8abeb7", "#ffffff",
    ];
    match colour {
        vt100::Color::Idx(index) => SIXTEEN.get(usize::from(index)).copied().unwrap_or(default).to_owned(),
        vt100::Color::Rgb(red, green, blue) => format!("#{red:02x}{green:02x}{blue:02x}"),
        vt100::Color::Default => default.to_owned(),
    }
}

fn svg(screen: &vt100::Screen) -> String {
    let (width, height) = (f32::from(COLUMNS) * WIDTH + 24.0, f32::from(ROWS) * HEIGHT + 24.0);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"ui-monospace, \
         SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace\" font-size=\"14\">\n\
         <title>portaldesk: the Users screen</title>\n<rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#1d1f21\"/>\n"
    );
    for row in 0..ROWS {
        for column in 0..COLUMNS {
            let Some(cell) = screen.cell(row, column) else { continue };
            let (x, y) = (12.0 + f32::from(column) * WIDTH, 12.0 + f32::from(row) * HEIGHT);
            let (mut ink, mut paper) = (colour(cell.fgcolor(), "#c5c8c6"), colour(cell.bgcolor(), "none"));
            if cell.inverse() {
                paper = std::mem::replace(&mut ink, "#1d1f21".to_owned());
            }
            if paper != "none" {
                let _ = writeln!(
                    out,
                    "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"{paper}\"/>"
                );
            }
            let text = cell.contents();
            if text.trim().is_empty() {
                continue;
            }
            let text = text.replace('&', "&amp;").replace('<', "&lt;");
            let weight = if cell.bold() { " font-weight=\"bold\"" } else { "" };
            let dim = if cell.dim() { " opacity=\"0.65\"" } else { "" };
            let _ = writeln!(
                out,
                "<text x=\"{x:.1}\" y=\"{:.1}\" fill=\"{ink}\"{weight}{dim}>{text}</text>",
                y + 13.5
            );
        }
    }
    out.push_str("</svg>\n");
    out
}
