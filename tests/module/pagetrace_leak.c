// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Takes kernel pages in every way that is freed in pieces, holds them, and
 * releases them when it is removed.
 *
 * The parameter `outstanding` says what is held: FUNCTION/ORDER=PAGES, where
 * ORDER is that of the allocation and PAGES what is left of it. Writing to the
 * parameter `fill` has the bulk allocator fill an array that is half full.
 */
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/module.h>

#define MAX_BLOCKS 100
#define EXACT_PAGES 5
#define PIECES 8
#define PIECES_ORDER 3
#define TAILS_ORDER 4
#define ENTRIES 64

static const unsigned int counts[] = { 100, 57, 31, 16, 9 };

static struct page *blocks[ARRAY_SIZE(counts)][MAX_BLOCKS];
static void *exact;
static struct page *pieces[PIECES];
static struct page *head;
static struct page *array[ENTRIES];

static char outstanding[256];
module_param_string(outstanding, outstanding, sizeof(outstanding), 0444);
MODULE_PARM_DESC(outstanding, "pages held, as FUNCTION/ORDER=PAGES");

static void say(const char *function, unsigned int order, unsigned int pages)
{
	size_t length = strlen(outstanding);

	scnprintf(outstanding + length, sizeof(outstanding) - length,
		  "%s%s/%u=%u", length ? "," : "", function, order, pages);
}

/* Blocks of several orders, as they were allocated. */
static noinline __noclone int take_blocks(void)
{
	unsigned int order, i;

	for (order = 0; order < ARRAY_SIZE(counts); order++) {
		for (i = 0; i < counts[order]; i++) {
			blocks[order][i] = alloc_pages(GFP_KERNEL, order);
			if (!blocks[order][i])
				return -ENOMEM;
		}
		say(__func__, order, counts[order] << order);
	}
	return 0;
}

/* A block of order 3, of which the kernel frees what is too much. */
static noinline __noclone int take_exact(void)
{
	exact = alloc_pages_exact(EXACT_PAGES * PAGE_SIZE, GFP_KERNEL);
	if (!exact)
		return -ENOMEM;
	say(__func__, 3, EXACT_PAGES);
	return 0;
}

/* A block that is split, and of which we free every other page. */
static noinline __noclone int take_pieces(void)
{
	struct page *block = alloc_pages(GFP_KERNEL, PIECES_ORDER);
	unsigned int i;

	if (!block)
		return -ENOMEM;
	split_page(block, PIECES_ORDER);
	for (i = 0; i < PIECES; i++) {
		if (i % 2)
			__free_page(block + i);
		else
			pieces[i] = block + i;
	}
	say(__func__, PIECES_ORDER, PIECES / 2);
	return 0;
}

/* A block that is freed while its first page is in use: the others go. */
static noinline __noclone int take_tails(void)
{
	head = alloc_pages(GFP_KERNEL, TAILS_ORDER);
	if (!head)
		return -ENOMEM;
	get_page(head);
	__free_pages(head, TAILS_ORDER);
	say(__func__, TAILS_ORDER, 1);
	return 0;
}

/* Every other entry of an array. */
static noinline __noclone int half_fill(void)
{
	unsigned int i;

	for (i = 0; i < ENTRIES; i += 2) {
		array[i] = alloc_page(GFP_KERNEL);
		if (!array[i])
			return -ENOMEM;
	}
	say(__func__, 0, ENTRIES / 2);
	return 0;
}

/* The rest of it: each call fills one entry at least, and returns how many are full. */
static noinline __noclone int fill(const char *value, const struct kernel_param *parameter)
{
	unsigned long full, before = 0;

	while ((full = alloc_pages_bulk_array(GFP_KERNEL, ENTRIES, array)) < ENTRIES) {
		if (full <= before)
			return -ENOMEM;
		before = full;
	}
	return 0;
}

static const struct kernel_param_ops fill_ops = { .set = fill };
module_param_cb(fill, &fill_ops, NULL, 0200);
MODULE_PARM_DESC(fill, "fills the rest of a half full array");

static void release(void)
{
	unsigned int order, i;

	for (order = 0; order < ARRAY_SIZE(counts); order++)
		for (i = 0; i < counts[order]; i++)
			if (blocks[order][i])
				__free_pages(blocks[order][i], order);
	if (exact)
		free_pages_exact(exact, EXACT_PAGES * PAGE_SIZE);
	for (i = 0; i < PIECES; i++)
		if (pieces[i])
			__free_page(pieces[i]);
	if (head)
		put_page(head);
	for (i = 0; i < ENTRIES; i++)
		if (array[i])
			__free_page(array[i]);
}

/* Not __init: the kernel forgets the names of such functions at once. */
static noinline int take(void)
{
	int error = take_blocks();

	error = error ?: take_exact();
	error = error ?: take_pieces();
	error = error ?: take_tails();
	error = error ?: half_fill();
	if (error)
		release();
	return error;
}

module_init(take);
module_exit(release);

MODULE_DESCRIPTION("Leaks with known page counts, for the tests of pagetrace");
MODULE_LICENSE("Dual MIT/GPL");
