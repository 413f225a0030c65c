//! Values that a user picks by name.

/// A value with a name, as options, reports and tables spell it.
pub trait Choice: Copy + 'static {
    /// All values, in the order they are listed in.
    const ALL: &'static [Self];

    /// The name.
    fn name(self) -> &'static str;

    /// What it stands for, in one line.
    fn help(self) -> &'static str;

    /// The value with this name.
    fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|it| it.name() == name)
    }
}
