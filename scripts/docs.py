#!/usr/bin/env python3
"""Checks that the documents say what is so.

  docs/features.md    has a row for every id; a row that is done or partly done names RPCs that the
                      protos declare and tests that exist; a planned row names none
  docs/guarantees.md  every promise names tests that exist
  docs/api.md         every limit is the number that the source or the proto has
  every *.md          relative links lead somewhere
"""

import pathlib
import re
import sys

# Every capability the project owes, by family and number.
FEATURES = {'P': 19, 'I': 17, 'K': 14, 'A': 16}
STATES = ('done', 'partly', 'planned')
NONE = '-'

ROOT = pathlib.Path(__file__).parent.parent


def rows(path):
    """Cells of every table row of a Markdown file, with its line number."""
    for number, line in enumerate(path.read_text(encoding='utf-8').splitlines(), 1):
        if line.startswith('|') and not re.match(r'^\|[-| :]+$', line):
            yield number, [cell.strip() for cell in line.strip('|').split('|')]


def missing_tests(cell):
    for path in re.findall(r'`(tests/[^`]+)`', cell):
        if not (ROOT / path).exists():
            yield path


def declared_rpcs():
    text = ''.join(p.read_text(encoding='utf-8') for p in (ROOT / 'proto').rglob('*.proto'))
    return set(re.findall(r'^\s*rpc (\w+)\(', text, re.M))


def feature_faults(cells, rpcs):
    _, _, state, named, test = cells
    if state not in STATES:
        yield f'state {state!r} is none of {", ".join(STATES)}'
    elif state == 'planned':
        if (named, test) != (NONE, NONE):
            yield 'is planned, so it names no RPC and no test'
    else:
        names = re.findall(r'`(\w+)`', named)
        if not names:
            yield 'names no RPC'
        for name in names:
            if name not in rpcs:
                yield f'no proto declares the RPC {name}'
        if '`tests/' not in test:
            yield 'names no test'
        for path in missing_tests(test):
            yield f'{path} does not exist'


def check_features():
    page = 'docs/features.md'
    wanted = [f'{family}{n}' for family, count in FEATURES.items() for n in range(1, count + 1)]
    found, rpcs = [], declared_rpcs()
    for number, cells in rows(ROOT / page):
        if not re.fullmatch(r'[A-Z]+\d+', cells[0]):
            continue
        found.append(cells[0])
        if len(cells) != 5:
            yield f'{page}:{number}: {cells[0]} has {len(cells)} columns, 5 are expected'
            continue
        yield from (f'{page}:{number}: {cells[0]} {fault}' for fault in feature_faults(cells, rpcs))
    for name in wanted:
        if found.count(name) != 1:
            yield f'{page}: {name} has {found.count(name)} rows, 1 is expected'
    for name in sorted(set(found) - set(wanted)):
        yield f'{page}: {name} is no known feature'


def check_guarantees():
    page = 'docs/guarantees.md'
    promises = 0
    for number, cells in rows(ROOT / page):
        # An empty number: one more failure under which the promise above holds.
        if not cells[0].isdigit() and not (promises and cells[0] == ''):
            continue
        promises += 1
        if '`tests/' not in cells[-1]:
            yield f'{page}:{number}: the promise names no test'
        for path in missing_tests(cells[-1]):
            yield f'{page}:{number}: {path} does not exist'
    if not promises:
        yield f'{page}: no promise found'


UNITS = {'': 1, 'bytes': 1, 'items': 1, 'KiB': 1 << 10, 'MiB': 1 << 20, 's': 1}


def number(text):
    """What an integer constant of C++ says: `4 << 20`, `65'536`, `30 * kSecond` (in seconds); None where it is none."""
    text = text.replace("'", '').replace('* kSecond', '').strip()
    if not re.fullmatch(r'\d+( (<<|\*) \d+)*', text):
        return None
    value, *rest = re.findall(r'\d+|<<|\*', text)
    value = int(value)
    for operator, operand in zip(rest[::2], rest[1::2]):
        value = value << int(operand) if operator == '<<' else value * int(operand)
    return value


def limit_in(path, name):
    """The limit that a constant, a member with a default, or the rule of a proto's field sets."""
    text = (ROOT / path).read_text(encoding='utf-8')
    if not path.endswith('.proto'):
        found = re.search(rf'\b{name} = ([^;]+);', text)
        return number(found.group(1)) if found else None
    message, field = name.split('.')
    body = re.search(rf'^message {message} {{\n(.*?)^}}', text, re.M | re.S)
    found = body and re.search(rf'^  (repeated )?[\w.]+ {field} = \d+([^;]*);', body.group(1), re.M)
    if not found:
        return None
    rule = re.search(r'max_items: (\d+)' if found.group(1) else r'max_bytes: (\d+)', found.group(2))
    return int(rule.group(1)) if rule else None


def check_limits():
    page = 'docs/api.md'
    limits = 0
    for line, cells in rows(ROOT / page):
        place = re.fullmatch(r'`([\w./]+)` `([\w.]+)`', cells[2]) if len(cells) == 4 else None
        if not place:
            continue
        limits += 1
        stated = re.fullmatch(r'(\d+) ?(\w*)', cells[1])
        if not stated or stated.group(2) not in UNITS:
            yield f'{page}:{line}: {cells[1]!r} is no limit'
        elif not (ROOT / place.group(1)).exists():
            yield f'{page}:{line}: {place.group(1)} does not exist'
        elif (found := limit_in(*place.groups())) != int(stated.group(1)) * UNITS[stated.group(2)]:
            yield f'{page}:{line}: {place.group(2)} is {found}, the page says {cells[1]}'
    if not limits:
        yield f'{page}: no limit found'


def pages():
    for path in sorted(ROOT.rglob('*.md')):
        if not {'build', 'data', '.git'} & set(path.relative_to(ROOT).parts[:-1]):
            yield path


def check_links():
    for page in pages():
        for target in re.findall(r'\]\(([^)#\s]+)(?:#[^)]*)?\)', page.read_text(encoding='utf-8')):
            if '://' not in target and not (page.parent / target).exists():
                yield f'{page.relative_to(ROOT)}: {target} does not exist'


def main():
    faults = [*check_features(), *check_guarantees(), *check_limits(), *check_links()]
    for fault in faults:
        print(fault)
    print(f'docs: {len(faults)} faults')
    return 1 if faults else 0


if __name__ == '__main__':
    sys.exit(main())
