//! The colours of boxes: which module a function is in, or how much it changed.

use super::tree::Name;

/// Of what is no function.
const NOTE: &str = "#d9d9d9";

/// Of what did not change.
const SAME: &str = "#eeeeee";

/// The kernel proper in yellow to orange; each module in one hue of its own, from green to violet; what
/// has no name in grey.
pub(super) fn of_name(name: &Name) -> String {
    let shade = hash(&name.text);
    match &name.module {
        _ if name.is_note => NOTE.to_owned(),
        Some(module) => {
            let hue = 90 + hash(module) % 210;
            hsl(hue, 55, 68 + shade % 10)
        }
        None if name.text.starts_with("0x") => hsl(0, 0, 72 + shade % 10),
        None => hsl(28 + shade % 25, 85, 64 + shade / 25 % 10),
    }
}

/// Red for more and blue for less, the stronger the nearer to `most`, which is the largest change.
pub(super) fn of_change([after, before]: [u64; 2], most: u64) -> String {
    let change = after.abs_diff(before);
    if change == 0 || most == 0 {
        return SAME.to_owned();
    }
    let strength = (change as f64 / most as f64).clamp(0.08, 1.0);
    let light = (92.0 - 27.0 * strength).round() as u32;
    hsl(if after > before { 4 } else { 215 }, 85, light)
}

fn hsl(hue: u32, saturation: u32, light: u32) -> String {
    format!("hsl({hue},{saturation}%,{light}%)")
}

/// The same for the same name in every picture (FNV-1a).
fn hash(text: &str) -> u32 {
    let mix = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    text.bytes().fold(0x811c_9dc5, mix)
}
