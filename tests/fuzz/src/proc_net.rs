//! A socket is a line below the first; lines before others do not hide them.

use pagetrace::kernel::proc_net::Table;

pub(crate) fn check(data: &[u8]) {
    let text = crate::text(data);
    let rows = text.split_terminator('\n').skip(1);
    let count = rows.clone().count();
    let alone: String = rows.map(|row| format!("{row}\n")).collect();
    let singles = [Table::UNIX, Table::NETLINK, Table::PACKET];
    let tables = [Table::TCP, Table::UDP, Table::RAW];
    let tables = tables.into_iter().flatten().chain(Table::OTHERS);
    for table in tables.chain(singles) {
        let found: Vec<_> = table.sockets(text).collect();
        assert!(found.len() <= count);
        assert!(found.iter().all(|it| !it.state.name().is_empty()));
        let after = format!("heading\nbroken\n{alone}");
        assert_eq!(table.sockets(&after).collect::<Vec<_>>(), found);
    }
}
