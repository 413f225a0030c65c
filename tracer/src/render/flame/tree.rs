//! A tree of calls with what each path of them has, made of stacks.

use std::cmp::Reverse;

use rustc_hash::FxHashMap;

/// What stands in the place of calls that are too small for a box.
const SMALLER: &str = "smaller";

/// Paths of calls that begin at one root. Each node has one number per column, and its parent's
/// numbers are those of its children and its own.
#[derive(Debug)]
pub(in crate::render) struct Tree {
    /// What the columns are.
    pub(super) columns: Vec<String>,
    names: Vec<Name>,
    name_ids: FxHashMap<Name, NameId>,
    nodes: Vec<Node>,
    /// A row for each node.
    values: Vec<u64>,
    ids: FxHashMap<(usize, NameId), usize>,
    /// What had no room.
    pub(super) left_out: LeftOut,
}

/// A function, as a box is labelled.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in crate::render) struct Name {
    pub(in crate::render) text: String,
    /// None for the kernel proper, and where there is no function.
    pub(in crate::render) module: Option<String>,
    /// Whether it stands for something else than a function.
    pub(in crate::render) is_note: bool,
}

/// What a tree keeps of a name: a node can be one of millions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::render) struct NameId(usize);

#[derive(Clone, Copy, Debug)]
struct Node {
    name: NameId,
    parent: usize,
}

/// What was drawn as part of something else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::render) struct LeftOut {
    /// Boxes.
    pub(in crate::render) boxes: usize,
    /// What they have in the largest column; twice what lies within others is counted once.
    pub(in crate::render) value: u64,
}

/// A node in its place.
pub(super) struct Placed<'a> {
    pub(super) name: &'a Name,
    /// One number a column.
    pub(super) values: &'a [u64],
    /// Calls that lead to it.
    pub(super) depth: usize,
    /// Its parent's place in the list.
    pub(super) parent: usize,
}

impl Name {
    /// A remark in the place of a function.
    pub(super) fn note(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            module: None,
            is_note: true,
        }
    }
}

impl Tree {
    /// One with a root only.
    pub(super) fn new(root: &str, columns: Vec<String>) -> Self {
        let mut tree = Self {
            values: vec![0; columns.len()],
            columns,
            names: Vec::new(),
            name_ids: FxHashMap::default(),
            nodes: Vec::new(),
            ids: FxHashMap::default(),
            left_out: LeftOut::default(),
        };
        let name = tree.name(Name::note(root));
        tree.nodes.push(Node { name, parent: 0 });
        tree
    }

    /// What stands for a name in a path.
    pub(super) fn name(&mut self, name: Name) -> NameId {
        let next = NameId(self.names.len());
        let id = *self.name_ids.entry(name.clone()).or_insert(next);
        if id == next {
            self.names.push(name);
        }
        id
    }

    /// Adds to a column what the path, outermost call first, has.
    pub(super) fn add(&mut self, path: impl Iterator<Item = NameId>, column: usize, value: u64) {
        let mut node = 0;
        self.raise(node, column, value);
        for name in path {
            node = self.child(node, name);
            self.raise(node, column, value);
        }
    }

    fn raise(&mut self, node: usize, column: usize, value: u64) {
        if let Some(sum) = self.values.get_mut(node * self.columns.len() + column) {
            *sum = sum.saturating_add(value);
        }
    }

    fn child(&mut self, parent: usize, name: NameId) -> usize {
        let next = self.nodes.len();
        let id = *self.ids.entry((parent, name)).or_insert(next);
        if id == next {
            self.nodes.push(Node { name, parent });
            self.values
                .resize(self.values.len() + self.columns.len(), 0);
        }
        id
    }

    fn values(&self, node: usize) -> &[u64] {
        let width = self.columns.len();
        self.values
            .get(node * width..(node + 1) * width)
            .unwrap_or_default()
    }

    fn weight(&self, node: usize) -> u64 {
        self.values(node)
            .iter()
            .fold(0, |a, b| a.saturating_add(*b))
    }

    /// The same with no more than about `most` nodes: the smallest are one node together with their
    /// neighbours, so that it still adds up.
    pub(in crate::render) fn pruned(self, most: usize) -> Self {
        if self.nodes.len() <= most {
            return self;
        }
        let mut largest: Vec<_> = (0..self.nodes.len()).collect();
        // A node comes after its parent, which weighs no less: what is kept is a tree.
        largest.sort_by_key(|&node| (Reverse(self.weight(node)), node));
        let mut is_kept = vec![false; self.nodes.len()];
        for &node in largest.iter().take(most) {
            is_kept[node] = true;
        }
        self.with(&is_kept)
    }

    fn with(mut self, is_kept: &[bool]) -> Self {
        let smaller = self.name(Name::note(SMALLER));
        let mut pruned = Self {
            ids: FxHashMap::default(),
            nodes: vec![self.nodes[0]],
            values: self.values(0).to_vec(),
            ..self.emptied()
        };
        let mut places = vec![0; self.nodes.len()];
        for (node, &Node { name, parent }) in self.nodes.iter().enumerate().skip(1) {
            if is_kept[node] {
                places[node] = pruned.child(places[parent], name);
                pruned.add_row(places[node], self.values(node));
            } else if is_kept[parent] {
                let together = pruned.child(places[parent], smaller);
                pruned.add_row(together, self.values(node));
                let value = pruned.left_out.value.saturating_add(self.weight(node));
                pruned.left_out.value = value;
            }
        }
        pruned.left_out.boxes = is_kept.iter().filter(|it| !**it).count();
        pruned
    }

    /// One without nodes that has the same names.
    fn emptied(&mut self) -> Self {
        Self {
            columns: self.columns.clone(),
            names: std::mem::take(&mut self.names),
            name_ids: std::mem::take(&mut self.name_ids),
            nodes: Vec::new(),
            values: Vec::new(),
            ids: FxHashMap::default(),
            left_out: LeftOut::default(),
        }
    }

    fn add_row(&mut self, node: usize, row: &[u64]) {
        for (column, value) in row.iter().enumerate() {
            self.raise(node, column, *value);
        }
    }

    /// All nodes, each before its children, which are in the order of their names, remarks last.
    pub(super) fn placed(&self) -> Vec<Placed<'_>> {
        let mut children = vec![Vec::new(); self.nodes.len()];
        for (id, node) in self.nodes.iter().enumerate().skip(1) {
            children[node.parent].push(id);
        }
        for ids in &mut children {
            ids.sort_by_key(|&id| {
                let name = &self.names[self.nodes[id].name.0];
                Reverse((name.is_note, name))
            });
        }
        let mut placed = Vec::with_capacity(self.nodes.len());
        let mut next = vec![(0, 0, 0)];
        while let Some((id, depth, parent)) = next.pop() {
            let place = placed.len();
            placed.push(Placed {
                name: &self.names[self.nodes[id].name.0],
                values: self.values(id),
                depth,
                parent,
            });
            next.extend(children[id].iter().map(|&child| (child, depth + 1, place)));
        }
        placed
    }
}
