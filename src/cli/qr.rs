//! QR codes in half blocks, two modules in each character.

use qrcode::{Color, EcLevel, QrCode};
use zeroize::Zeroizing;

/// Lines of the smallest terminal, less one for the question below the code.
const MAX_LINES: usize = 23;

/// ISO/IEC 18004 §9.1 asks for four modules of quiet around a code; scanners are content with two.
const QUIET: [usize; 3] = [4, 3, 2];

/// How dark and light are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Paint {
    /// Black on white, whatever the theme.
    Colours,
    /// Blocks for the light modules: right where text is light on dark.
    Blocks,
}

/// Black 16 on white 231 of the 256 colours, which no theme redefines.
const BLACK_ON_WHITE: &str = "\x1b[38;5;16;48;5;231m";
const RESET: &str = "\x1b[0m";

/// Draws content; `None` where it is too long for any code.
pub(super) fn draw(content: &[u8], paint: Paint) -> Option<Zeroizing<String>> {
    // Level L: a terminal has no dirt, and a smaller code fits it.
    let code = QrCode::with_error_correction_level(content, EcLevel::L).ok()?;
    let picture = Picture::new(&code);
    let mut drawn = Zeroizing::new(String::with_capacity(picture.side * (picture.side * 2 + 32)));
    for y in (0..picture.side).step_by(2) {
        if paint == Paint::Colours {
            drawn.push_str(BLACK_ON_WHITE);
        }
        for x in 0..picture.side {
            drawn.push(block(picture.is_dark(x, y), picture.is_dark(x, y + 1), paint));
        }
        if paint == Paint::Colours {
            drawn.push_str(RESET);
        }
        drawn.push('\n');
    }
    Some(drawn)
}

struct Picture {
    modules: Vec<Color>,
    width: usize,
    quiet: usize,
    side: usize,
}

impl Picture {
    fn new(code: &QrCode) -> Self {
        let width = code.width();
        let fits = |quiet: &usize| (width + 2 * quiet).div_ceil(2) <= MAX_LINES;
        let quiet = QUIET.into_iter().find(fits).unwrap_or(2);
        Self { modules: code.to_colors(), width, quiet, side: width + 2 * quiet }
    }

    fn is_dark(&self, x: usize, y: usize) -> bool {
        let within = |place: usize| place.checked_sub(self.quiet).filter(|place| *place < self.width);
        let (Some(x), Some(y)) = (within(x), within(y)) else {
            return false;
        };
        self.modules.get(y * self.width + x) == Some(&Color::Dark)
    }
}

/// The character whose ink covers what `paint` draws, in the upper and the lower half.
const fn block(upper_dark: bool, lower_dark: bool, paint: Paint) -> char {
    let (upper, lower) = match paint {
        Paint::Colours => (upper_dark, lower_dark),
        Paint::Blocks => (!upper_dark, !lower_dark),
    };
    match (upper, lower) {
        (true, true) => '█',
        (true, false) => '▀',
        (false, true) => '▄',
        (false, false) => ' ',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(account: usize) -> String {
        let name = "a".repeat(account);
        format!("otpauth://totp/Postern:{name}?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Postern")
    }

    fn lines(account: usize) -> usize {
        draw(uri(account).as_bytes(), Paint::Colours).unwrap().lines().count()
    }

    #[test]
    fn a_code_and_a_question_fit_a_terminal_of_24_lines() {
        for account in 1..=60 {
            assert!(lines(account) <= 23, "{account}: {}", lines(account));
        }
    }

    #[test]
    fn dark_and_light_are_the_modules_of_the_code() {
        let code = QrCode::with_error_correction_level(uri(30), EcLevel::L).unwrap();
        let drawn = draw(uri(30).as_bytes(), Paint::Blocks).unwrap();
        let inked: Vec<Vec<bool>> = drawn
            .lines()
            .flat_map(|line| {
                [['█', '▀'], ['█', '▄']].map(|ink| line.chars().map(|letter| ink.contains(&letter)).collect())
            })
            .collect();
        let quiet = (inked[0].len() - code.width()) / 2;
        assert!(2 <= quiet);
        for y in 0..code.width() {
            for x in 0..code.width() {
                let dark = code[(x, y)] == Color::Dark;
                assert_eq!(inked[y + quiet][x + quiet], !dark, "{x} {y}");
            }
        }
    }

    #[test]
    fn colours_do_not_depend_on_the_theme() {
        let drawn = draw(b"x", Paint::Colours).unwrap();
        assert!(drawn.lines().all(|line| line.starts_with(BLACK_ON_WHITE) && line.ends_with(RESET)));
        assert!(!draw(b"x", Paint::Blocks).unwrap().contains('\x1b'));
    }

    #[test]
    fn what_no_code_holds_is_not_drawn() {
        assert!(draw(&[b'a'; 3000], Paint::Colours).is_none());
    }
}
