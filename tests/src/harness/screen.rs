//! A terminal, from the user's side.

use std::{
    fs::File,
    io::{Read as _, Result, Write as _},
    num::NonZeroU16,
    os::fd::OwnedFd,
};

use rustix::{
    fs::{Mode, OFlags, open},
    io::ioctl_fionbio,
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize},
};

use super::eventually;

/// The user's side of a terminal, and what is on it.
pub struct Screen {
    terminal: File,
    seen: Vec<u8>,
    parser: vt100::Parser,
}

impl Screen {
    /// A terminal of 80 × 24: the program's side and the user's.
    pub fn open() -> Result<(OwnedFd, Self)> {
        let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&terminal)?;
        unlockpt(&terminal)?;
        ioctl_fionbio(&terminal, true)?;
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let program = open(ptsname(&terminal, Vec::new())?, flags, Mode::empty())?;
        let mut screen = Self {
            terminal: terminal.into(),
            seen: Vec::new(),
            parser: vt100::Parser::default(),
        };
        screen.resize(80, 24)?;
        Ok((program, screen))
    }

    /// Gives it another size.
    pub fn resize(&mut self, columns: u16, rows: u16) -> Result<()> {
        let size = Winsize {
            ws_row: rows,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&self.terminal, size)?;
        let [rows, columns] =
            [rows, columns].map(|it| NonZeroU16::new(it).expect("a terminal has some size"));
        self.parser.set_size(rows, columns);
        Ok(())
    }

    /// Types.
    pub fn press(&mut self, keys: &str) {
        self.terminal
            .write_all(keys.as_bytes())
            .expect("room for a few keys");
    }

    /// All that has been written so far.
    pub fn text(&mut self) -> String {
        self.read();
        String::from_utf8_lossy(&self.seen).into_owned()
    }

    /// What it shows now.
    pub fn shown(&mut self) -> String {
        self.read();
        self.parser.screen().contents()
    }

    /// Whether it shows the screen that programs take for themselves.
    pub fn is_alternate(&mut self) -> bool {
        self.read();
        self.parser.screen().alternate_screen()
    }

    /// Whether it shows its cursor.
    pub fn has_cursor(&mut self) -> bool {
        self.read();
        !self.parser.screen().hide_cursor()
    }

    /// Whether what is typed is shown, and lines are whole: as a shell wants it.
    pub fn is_cooked(&self) -> bool {
        let modes = tcgetattr(&self.terminal).expect("our terminal").local_modes;
        modes.contains(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG)
    }

    /// Waits until `text` has been written, and gives all that has.
    pub fn wait_for(&mut self, text: &str) -> String {
        eventually(text, || {
            Some(self.text()).filter(|seen| seen.contains(text))
        })
    }

    /// Waits until it shows `text`, and gives all that it shows.
    pub fn wait_until_shown(&mut self, text: &str) -> String {
        eventually(text, || {
            Some(self.shown()).filter(|shown| shown.contains(text))
        })
    }

    fn read(&mut self) {
        let before = self.seen.len();
        // Ends with an error in any case: nothing there yet, or nobody left to write.
        let _ = self.terminal.read_to_end(&mut self.seen);
        self.parser.process(&self.seen[before..]);
    }
}
