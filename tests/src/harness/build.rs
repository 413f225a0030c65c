//! The binary under test.

use std::{
    env,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use escargot::CargoBuild;

/// The binary that the variable `PAGETRACE` names; without it `pagetrace` built
/// once per test process, with the profile and in the target folder of the running test,
/// and for the whole workspace: its dependencies then have the features with which
/// `cargo test --workspace` built most of them already.
pub(super) fn pagetrace_binary() -> &'static Path {
    static BINARY: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let given = || env::var_os("PAGETRACE").map(|path| Ok(path.into()));
    let binary = BINARY.get_or_init(|| given().unwrap_or_else(build));
    binary
        .as_ref()
        .unwrap_or_else(|error| panic!("pagetrace does not build: {error}"))
}

fn build() -> Result<PathBuf, String> {
    let test = env::current_exe().map_err(|error| error.to_string())?;
    let (target, profile) = layout(&test).ok_or("a test lies in TARGET/PROFILE/deps")?;
    let build = CargoBuild::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
        .bin("pagetrace")
        .target_dir(target)
        .args(["--workspace", "--profile", profile]);
    Ok(build
        .run()
        .map_err(|error| error.to_string())?
        .path()
        .to_owned())
}

/// Target folder and cargo's name of the profile, from `TARGET/PROFILE/deps/NAME`.
fn layout(test: &Path) -> Option<(&Path, &str)> {
    let folder = test.parent()?.parent()?;
    let profile = match folder.file_name()?.to_str()? {
        "debug" => "dev",
        other => other,
    };
    Some((folder.parent()?, profile))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_names_the_profile() {
        let debug = layout(Path::new("/x/target/debug/deps/pipes-1234"));
        assert_eq!(debug, Some((Path::new("/x/target"), "dev")));
        let release = layout(Path::new("/x/target/release/deps/pipes-1234"));
        assert_eq!(release, Some((Path::new("/x/target"), "release")));
    }
}
