//! Names for the running kernel's addresses, through blazesym.
//!
//! Two sources: kallsyms names every function, modules and BPF programs
//! included; an image with debug information knows the kernel proper better.
//! blazesym can combine them itself, but then one module whose file it cannot
//! read, or a kernel without `/proc/modules`, costs every name.

use std::{collections::HashMap, path::PathBuf};

use blazesym::{
    MaybeDefault,
    symbolize::{
        InlinedFn, Input, Sym, Symbolized, Symbolizer,
        source::{Elf, Kernel, Source},
    },
};

use super::Vmlinux;
use crate::{
    kernel::{host, kallsyms::Kallsyms},
    model::Frame,
};

/// No function is that long. kallsyms has no sizes, so an address without a name,
/// such as that of a BPF trampoline, would be taken for one far behind the last
/// function before it.
const BEYOND: usize = 1 << 20;

/// The running kernel's symbols, with debug information if there is any.
pub struct KernelSymbols {
    symbolizer: Symbolizer,
    kallsyms: Kallsyms,
    names: Source<'static>,
    image: Option<Image>,
}

/// The kernel proper's image, and how far above it the kernel runs.
struct Image {
    source: Source<'static>,
    kaslr_offset: u64,
}

impl KernelSymbols {
    /// Resolves with `kallsyms` and, if given, the debug information in `vmlinux`.
    pub fn new(kallsyms: Kallsyms, vmlinux: Option<&Vmlinux>) -> Self {
        Self::with_path(kallsyms, PathBuf::from(host::KALLSYMS), vmlinux)
    }

    /// Where the kernel's text begins, if that is known.
    pub fn text(&self) -> Option<u64> {
        self.kallsyms.stext()
    }

    fn with_path(kallsyms: Kallsyms, path: PathBuf, vmlinux: Option<&Vmlinux>) -> Self {
        let names = Kernel {
            kallsyms: MaybeDefault::Some(path),
            vmlinux: MaybeDefault::None,
            ..Kernel::default()
        };
        let image = vmlinux.zip(kallsyms.stext()).map(|(vmlinux, stext)| Image {
            source: Source::Elf(Elf::new(&vmlinux.path)),
            kaslr_offset: vmlinux.kaslr_offset(stext),
        });
        Self {
            symbolizer: Symbolizer::new(),
            kallsyms,
            names: Source::Kernel(names),
            image,
        }
    }

    /// The frames at each return address, innermost inlined function first: always at
    /// least one, an unresolved address standing for itself.
    pub fn frames(&self, addresses: &[u64]) -> Vec<Vec<Frame>> {
        // A return address may be the first of the next function: look up the call.
        let calls: Vec<_> = addresses
            .iter()
            .map(|address| address.saturating_sub(1))
            .collect();
        let image = self.image_symbols(&calls);
        let names = self.look_up(&self.names, Input::AbsAddr(&calls));
        let frames = addresses.iter().enumerate().map(|(i, &address)| {
            let known = |symbols: &[Symbolized<'_>]| {
                let symbol = symbols.get(i).and_then(Symbolized::as_sym)?;
                (symbol.offset < BEYOND).then(|| self.named(address, symbol))
            };
            known(&image)
                .or_else(|| known(&names))
                .unwrap_or_else(|| vec![Frame::unnamed(address)])
        });
        frames.collect()
    }

    /// Where the text of the kernel proper begins; none if that is hidden.
    pub fn text_address(&self) -> Option<u64> {
        self.kallsyms.stext()
    }

    /// The functions that these return addresses are in, by address; none of what has no name.
    pub fn functions(&self, addresses: &[u64]) -> HashMap<u64, Option<String>> {
        let frames = self.frames(addresses).into_iter();
        let names = frames.map(|frames| frames.into_iter().next_back()?.symbol);
        addresses.iter().copied().zip(names).collect()
    }

    /// The symbols that these pointers lead to, by address; none of what has no name.
    ///
    /// Where data has no names, an address there would be taken for one in the last function before it:
    /// only what is the beginning of a symbol is named then.
    pub fn pointed(&self, addresses: &[u64]) -> HashMap<u64, Frame> {
        let names = self.look_up(&self.names, Input::AbsAddr(addresses));
        let named = addresses.iter().zip(&names).filter_map(|(&address, name)| {
            let symbol = name.as_sym()?;
            let is_inside = self.kallsyms.names_data() || self.kallsyms.is_text(address);
            let is_symbol = symbol.offset == 0 || is_inside && symbol.offset < BEYOND;
            let frame = || self.named(address.saturating_add(1), symbol).pop();
            Some((address, is_symbol.then(frame)??))
        });
        named.collect()
    }

    /// What the image says about each call in the kernel proper; nothing about others.
    fn image_symbols(&self, calls: &[u64]) -> Vec<Symbolized<'_>> {
        let Some(image) = &self.image else {
            return Vec::new();
        };
        let in_image = |&call: &u64| match self.kallsyms.module(call) {
            None => call.wrapping_sub(image.kaslr_offset),
            Some(_) => 0,
        };
        let calls: Vec<_> = calls.iter().map(in_image).collect();
        self.look_up(&image.source, Input::VirtOffset(&calls))
    }

    fn look_up(&self, source: &Source<'_>, addresses: Input<&[u64]>) -> Vec<Symbolized<'_>> {
        self.symbolizer
            .symbolize(source, addresses)
            .unwrap_or_else(|error| {
                log::warn!("kernel addresses cannot be resolved: {error:#}");
                Vec::new()
            })
    }

    fn named(&self, address: u64, sym: &Sym<'_>) -> Vec<Frame> {
        let module = self
            .kallsyms
            .module(address.saturating_sub(1))
            .map(str::to_owned);
        let function = Frame {
            symbol: Some(sym.name.clone().into_owned()),
            // Of the return address, one more than that of the call looked up.
            offset: Some(sym.offset as u64 + 1),
            module,
            address,
            file: sym
                .code_info
                .as_deref()
                .map(|code| code.to_path().display().to_string()),
            line: sym.code_info.as_deref().and_then(|code| code.line),
            inlined: false,
        };
        let inlined = sym
            .inlined
            .iter()
            .rev()
            .map(|inner| inlined(inner, &function));
        inlined.chain([function.clone()]).collect()
    }
}

fn inlined(inner: &InlinedFn<'_>, outer: &Frame) -> Frame {
    Frame {
        symbol: Some(inner.name.clone().into_owned()),
        offset: None,
        file: inner
            .code_info
            .as_ref()
            .map(|code| code.to_path().display().to_string()),
        line: inner.code_info.as_ref().and_then(|code| code.line),
        inlined: true,
        ..outer.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write as _, path::Path, process::Command};

    use super::{super::vmlinux, *};
    use crate::kernel::notes::BuildId;

    const SOURCE: &str = "\
static inline __attribute__((always_inline)) int take(int order)
{
    __asm__ volatile(\"nop; nop; nop; nop\");
    return order;
}
int leak(int order)
{
    return take(order) + 1;
}
void _stext(void) {}
";

    fn kernel(text: &str, vmlinux: Option<&Vmlinux>) -> (KernelSymbols, tempfile::NamedTempFile) {
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        file.write_all(text.as_bytes())
            .expect("room for a few lines");
        let kallsyms = Kallsyms::read(text.as_bytes()).expect("bytes can be read");
        (
            KernelSymbols::with_path(kallsyms, file.path().to_owned(), vmlinux),
            file,
        )
    }

    const KALLSYMS: &str = "\
ffffffff81000000 T _stext
ffffffff81001000 T first
ffffffff81001100 T second
ffffffffc0000000 t rx_fill\t[virtio_net]
ffffffffc0000100 t rx_end\t[virtio_net]
";

    #[test]
    fn functions_and_modules_are_named() {
        let (symbols, _file) = kernel(KALLSYMS, None);
        let frames = symbols.frames(&[0xffff_ffff_8100_1010, 0xffff_ffff_c000_0020]);
        assert_eq!(frames[0][0].symbol.as_deref(), Some("first"));
        assert_eq!(
            (frames[0][0].offset, &frames[0][0].module),
            (Some(0x10), &None)
        );
        assert_eq!(frames[1][0].module.as_deref(), Some("virtio_net"));
    }

    #[test]
    fn a_call_at_the_end_belongs_to_its_own_function() {
        let (symbols, _file) = kernel(KALLSYMS, None);
        let frames = symbols.frames(&[0xffff_ffff_8100_1100]);
        assert_eq!(frames[0][0].symbol.as_deref(), Some("first"));
        assert_eq!(frames[0][0].offset, Some(0x100));
    }

    /// Of each pointer, the symbol and its module.
    fn pointed(kallsyms: &str, pointers: &[u64]) -> Vec<Option<(String, Option<String>)>> {
        let (symbols, _file) = kernel(kallsyms, None);
        let mut found = symbols.pointed(pointers);
        let found = pointers.iter().map(|it| found.remove(it));
        let found = found.map(|it| it.and_then(|it| Some((it.symbol?, it.module))));
        found.collect()
    }

    #[test]
    fn pointers_lead_to_the_symbol_that_they_are_in() {
        let pointers = [
            0xffff_ffff_8100_1100,
            0xffff_ffff_8100_10ff,
            0xffff_ffff_c000_0100,
        ];
        let name =
            |name: &str, module: Option<&str>| Some((name.to_owned(), module.map(str::to_owned)));
        let text = KALLSYMS.to_owned() + "ffffffff81002000 T _etext\n";
        let expected = [
            name("second", None),
            name("first", None),
            name("rx_end", Some("virtio_net")),
        ];
        assert_eq!(pointed(&text, &pointers), expected);
    }

    #[test]
    fn data_has_names_only_where_the_kernel_gives_them() {
        let text = KALLSYMS.to_owned() + "ffffffff81002000 T _etext\n";
        let pointers = [0xffff_ffff_8100_3008, 0xffff_ffff_c000_0108];
        assert_eq!(pointed(&text, &pointers), [None, None]);
        let all = text + "ffffffff81003000 r ext4_file_operations\nffffffff81004000 D _edata\n";
        let names = pointed(&all, &pointers);
        let name = |it: &Option<(String, Option<String>)>| it.as_ref().map(|it| it.0.clone());
        let names: Vec<_> = names.iter().filter_map(name).collect();
        assert_eq!(names, ["ext4_file_operations", "rx_end"]);
    }

    #[test]
    fn an_unresolved_address_stands_for_itself() {
        let (symbols, _file) = kernel(KALLSYMS, None);
        let beyond = 0xffff_ffff_c020_0000;
        assert_eq!(symbols.frames(&[beyond]), [[Frame::unnamed(beyond)]]);
        assert_eq!(symbols.frames(&[0x10]), [[Frame::unnamed(0x10)]]);
    }

    /// Compiles a stand-in for a vmlinux with debug information.
    fn compile(dir: &Path) -> PathBuf {
        let (source, image) = (dir.join("leak.c"), dir.join("vmlinux"));
        fs::write(&source, SOURCE).expect("room for a few lines");
        let status = Command::new("cc")
            .args([
                "-g",
                "-O1",
                "-nostdlib",
                "-static",
                "-no-pie",
                "-Wl,-e,_stext",
            ])
            .arg("-Wl,--build-id=0xc0ffee00")
            .arg(&source)
            .arg("-o")
            .arg(&image)
            .status();
        assert!(status.expect("a C compiler").success());
        image
    }

    fn symbol(image: &Path, name: &str) -> u64 {
        let bytes = fs::read(image).expect("the image was written");
        let image = object::File::parse(&*bytes).expect("it is an ELF file");
        vmlinux::symbol(&image, name).expect("it has the symbol")
    }

    #[test]
    fn debug_information_gives_lines_and_inlined_functions() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let image = compile(dir.path());
        let vmlinux = Vmlinux::open(&image, Some(&BuildId(vec![0xc0, 0xff, 0xee, 0])));
        let vmlinux = vmlinux.expect("it has the build id");
        // As KASLR does: everything lies 2 MiB higher than it was linked.
        let [stext, leak] = ["_stext", "leak"].map(|name| symbol(&image, name) + 0x20_0000);
        let (symbols, _file) = kernel(
            &format!("{stext:x} T _stext\n{leak:x} T leak\n"),
            Some(&vmlinux),
        );
        let frames = &symbols.frames(&[leak + 3])[0];
        let seen: Vec<_> = frames
            .iter()
            .map(|it| (it.symbol.as_deref(), it.line, it.inlined))
            .collect();
        assert_eq!(
            seen,
            [
                (Some("take"), Some(3), true),
                (Some("leak"), Some(8), false)
            ]
        );
        assert!(
            frames[0]
                .file
                .as_deref()
                .is_some_and(|file| file.ends_with("leak.c"))
        );
    }
}
