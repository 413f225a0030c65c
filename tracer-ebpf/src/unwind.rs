//! Unwinding by templates: from the stack to the key of its site, without the
//! kernel's unwinder.
//!
//! What comes out is believed only if it is the key of a stack that the kernel
//! did unwind before. So a template that is wrong or half-written costs time and
//! names nobody, unless it meets all that such a stack left behind, in its places;
//! now and then the kernel is asked, too, and each mismatch counted.

use tracer_ebpf::{
    RUN, STACK_SIZE, TEMPLATES, Template, WAYS, code, first_way, key::mix, registers,
};

use crate::{stack::Stack, state, walks::Walk};

/// How many templates are looked up for one stack; each stands for up to six frames.
const STEPS: usize = 24;

/// What came of it.
///
/// The key is always there, and counts at the end only: of a value that is there
/// at times, LLVM keeps what the verifier will not let it read.
#[derive(Clone, Copy)]
pub(crate) struct Unwound {
    /// The key of the frames so far.
    pub(crate) key: u64,
    pub(crate) to: To,
}

/// How far unwinding came.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum To {
    /// To the end of the stack.
    End,
    /// To a return address without a template; or one template was wrong.
    Nowhere,
    /// To a frame that there can be no template of.
    Opaque,
}

/// Where in the stack the unwinding is.
struct Cursor<'a> {
    /// Bytes above the context.
    at: u64,
    /// The return address there.
    ip: u64,
    key: u64,
    /// The way so far.
    walk: &'a mut Walk,
}

/// The frames' key, mixed into `seed`, from the return address on that lies
/// `first` bytes above the context; 0 if that is not known. Notes the way in `walk`,
/// which has begun.
#[inline(always)]
pub(crate) fn by_templates(stack: &Stack, first: u64, seed: u64, walk: &mut Walk) -> Unwound {
    let mut cursor = Cursor {
        at: 0,
        ip: 0,
        key: seed,
        walk,
    };
    let to = match state::TEMPLATES.get_ptr(0) {
        Some(table) if first != 0 => {
            cursor.go_to(stack, first + stack.zero);
            cursor.follow(stack, table.cast())
        }
        _ => To::Nowhere,
    };
    Unwound {
        key: cursor.key,
        to,
    }
}

impl Cursor<'_> {
    #[inline(always)]
    fn follow(&mut self, stack: &Stack, table: *const Template) -> To {
        for _ in 0..STEPS {
            let Some(template) = find(table, self.ip) else {
                return To::Nowhere;
            };
            match template.kind {
                Template::FRAME => self.run(stack, template),
                Template::REALIGNED => self.go_to_either(stack, template.at[0].into()),
                Template::ANCHORED => self.go_to_anchored(stack, template.at[0]),
                Template::REGISTERS if self.is_user(stack) => return To::End,
                Template::REGISTERS => self.go_below(stack),
                Template::END => return To::End,
                _ => return To::Opaque,
            }
        }
        To::Nowhere
    }

    #[inline(always)]
    fn go_to(&mut self, stack: &Stack, at: u64) {
        self.look_at(stack, at);
        self.walk.add(at, self.ip);
    }

    /// Goes so far up, if a return address is there, or a word further.
    #[inline(always)]
    fn go_to_either(&mut self, stack: &Stack, distance: u64) {
        let at = self.at + distance;
        let further = 1 - code(stack.word(at));
        self.walk.turn(further as u16);
        self.go_to(stack, at + further * size_of::<u64>() as u64);
    }

    /// Goes to a place of the stack, wherever the context is.
    #[inline(always)]
    fn go_to_anchored(&mut self, stack: &Stack, place: u16) {
        let at = u64::from(place).wrapping_sub(stack.context);
        self.look_at(stack, (at & (STACK_SIZE - 1)) + stack.zero);
        self.walk.add_anchored(place, self.ip);
    }

    #[inline(always)]
    fn look_at(&mut self, stack: &Stack, at: u64) {
        self.at = at;
        self.ip = stack.word(at);
        self.key = mix(self.key, self.ip);
    }

    /// Goes to the next return address, and on as long as it is the expected one.
    #[inline(always)]
    fn run(&mut self, stack: &Stack, template: &Template) {
        let start = self.at;
        for i in 0..RUN {
            if i >= usize::from(template.run) {
                break;
            }
            self.go_to(stack, start + u64::from(template.at[i]));
            if self.ip != template.next[i] {
                break;
            }
        }
    }

    /// Where the word at `offset` of the registers lies that are above the return address.
    #[inline(always)]
    fn register(&self, offset: u64) -> u64 {
        self.at + size_of::<u64>() as u64 + offset
    }

    #[inline(always)]
    fn is_user(&mut self, stack: &Stack) -> bool {
        let segment = self.register(registers::CS);
        self.walk.end_at_user(stack, segment);
        stack.word(segment) & registers::USER == registers::USER
    }

    /// Goes to what was interrupted, as if it had been called from there: its
    /// return address would lie right below its stack.
    #[inline(always)]
    fn go_below(&mut self, stack: &Stack) {
        let sp = stack.word(self.register(registers::SP));
        self.ip = stack.word(self.register(registers::IP));
        self.walk.turn(1);
        self.at = sp.wrapping_sub(stack.context + size_of::<u64>() as u64);
        self.key = mix(self.key, self.ip);
    }
}

#[inline(always)]
fn find<'a>(table: *const Template, ip: u64) -> Option<&'a Template> {
    let first = first_way(ip);
    for way in 0..WAYS {
        let template = table.wrapping_add((first + way) % TEMPLATES);
        // SAFETY: within the table. User space may be writing to it: each word is
        // a value, whatever the others are.
        let template = unsafe { &*template };
        if template.ip == ip {
            return Some(template);
        }
    }
    None
}
