#!/usr/bin/env python3
"""Checks who includes whom and which calls stand where (docs/architecture.md, "Layers").

  scripts/layering.py [ROOT]       prints file:line: rule: text for each fault; exit 1 when there is one
  scripts/layering.py --self-test  plants a fault of every kind in a scratch tree and expects each found

The rules are the tables below. An exception is a line in a table, with its reason.
"""

import pathlib
import re
import sys
import tempfile

# A folder of common/ may include itself and the folders of lower rank; equal ranks do not see each other.
RANK = {
    'base': 0,
    'decider': 1, 'filter': 1, 'config': 1, 'telemetry': 1,
    'log': 2, 'storage': 2,
    'projection': 3,
    'aggregate': 4,
    'rpc': 5,
    'service': 6,
}

# What a place in common/ may include beyond its rank, with the reason.
ALSO_SEES = [
    # The embedded log lies in files and RocksDB as the stores do: one lock, one scan, one mapping of errors.
    (r'^common/log/embedded/[^/]*\.cc$', r'^common/storage/(block_log_scan|directory_lock|files|rocks_status)\.h$'),
]

# A folder of a service may include itself and these folders of the same service. Files directly in the
# service's folder (its definition, main.cc) may include all of them.
SERVICE_MAY_SEE = {
    'domain': set(),
    'projection': {'domain'},
    'reaction': {'domain', 'projection'},
    'api': {'domain', 'projection', 'reaction'},
}

# Folders of common/ that a folder of a service may include; None: all.
SERVICE_MAY_USE = {
    'domain': {'base', 'decider', 'filter'},
    'projection': {'base', 'decider', 'telemetry', 'storage', 'projection', 'aggregate'},
    'reaction': {'base', 'decider', 'telemetry', 'storage', 'projection', 'aggregate', 'service'},
    'api': None,
}

# Headers of common/base that domain/ may not see: it has no clock and no randomness.
DOMAIN_MAY_NOT_SEE = {'common/base/clock.h', 'common/base/random.h', 'common/base/mutex.h',
                      'common/base/secret.h'}

# The all-in-one binary hosts the four services; nothing else may include more than one. Of each it sees
# the definition, services/X/api/X_service.h.
HOSTS_ALL = 'services/all/'

# Vendors' headers and the only places that may include them (regular expressions on the path).
VENDORS = [
    (r'rocksdb/', [r'^common/storage/', r'^common/log/embedded/']),
    # The tests of the Kafka engine write what it would not, and delete and recreate topics.
    # The raw tail is what a benchmark of the engine stands against.
    (r'librdkafka/', [r'^common/log/kafka/', r'^tests/conformance/(raw_kafka|failing_producer)\.(h|cc)$', r'^tests/bench/raw_tail\.cc$']),
    (r'grpc(pp)?/|.*\.grpc\.pb\.h$',
     [r'^common/rpc/', r'^services/[^/]+/api/', r'^services/[^/]+/main\.cc$', r'^tools/', r'^tests/']),
    # Patterns of field rules.
    (r're2/', [r'^common/rpc/']),
    (r'prometheus/', [r'^common/telemetry/', r'^tests/']),
    (r'CLI/', [r'^common/config/', r'^tools/', r'^tests/']),
    (r'unicode/', [r'^common/base/', r'^services/[^/]+/(api|projection)/', r'^tools/', r'^tests/']),
    (r'phonenumbers/', [r'^services/[^/]+/api/', r'^tests/']),
    (r'openssl/', [r'^common/base/']),
    (r'nlopt\.h$|boost/', [r'^services/analytics/domain/', r'^tests/']),
    (r'gtest/|gmock/|rapidcheck', [r'^tests/']),
    (r'benchmark/', [r'^tests/bench/']),
]

# Calls and the only files that may make them.
BANNED = [
    # gRPC takes its deadlines in wall-clock time: the server's when it stops, clients' for each call.
    ('wall clock', r'\bsystem_clock\s*::\s*now\b',
     [r'^common/base/clock\.cc$', r'^common/rpc/server\.cc$', r'^tools/crmctl/rpc_client\.cc$',
      r'^tests/(support|bench)/', r'^tests/unit/common/rpc/test_server\.h$']),
    ('monotonic clock', r'\b(steady|high_resolution)_clock\s*::\s*now\b',
     [r'^common/base/clock\.cc$', r'^tests/', r'^tools/']),
    ('C clock', r'\b(gettimeofday|clock_gettime|std::time)\s*\(|(?<![\w:.>])time\s*\(\s*(nullptr|NULL|0)\s*\)',
     [r'^common/base/clock\.cc$']),
    ('environment', r'\b(secure_)?getenv\b|\benviron\b', [r'^common/config/', r'^tests/']),
    # tests/support waits on conditions of other processes, tests/bench also lets rounds rest; a broker stands still for a length of time.
    ('sleep', r'\bsleep_(for|until)\b|\b(u|nano)?sleep\s*\(|\bSleepFor\b', [r'^tests/(support|bench)/', r'^tests/cluster/zombie_test\.cc$']),
    # Tests take TestSeed() of tests/support, which prints it.
    ('randomness', r'\brandom_device\b|(?<![\w:.>])s?rand\s*\(', [r'^common/base/random\.cc$', r'^tests/support/']),
    ('standard output', r'\bstd::(cout|cerr|clog)\b|(?<![\w])(std::)?(printf|puts)\s*\(|\bfmt::print\s*\(',
     [r'^common/telemetry/', r'^services/[^/]+/main\.cc$', r'^tools/', r'^tests/']),
    ('throw', r'\bthrow\b', []),
    # The server turns off the lock-cycle checks of gRPC's own locks.
    ('absl::Mutex', r'\babsl::(Mutex|MutexLock|CondVar)\b|absl/synchronization/', [r'^common/rpc/server\.cc$']),
    ('std::mutex', r'\bstd::(recursive_|shared_)?mutex\b|\bstd::condition_variable\b',
     [r'^common/base/mutex\.h$', r'^tests/']),
    ('assert', r'(?<![\w])assert\s*\(|<cassert>|<assert\.h>', []),
    ('using namespace', r'\busing\s+namespace\s+std\b', []),
]

# Names that say nothing.
BANNED_NAMES = re.compile(r'(^|[_/])(utils?|helpers?|misc|manager|handler|impl)(?=[_./]|$)')

HEADER_LINES = 200
SOURCE_LINES = 400
SOURCE_FOLDERS = ('common', 'services', 'tools', 'tests')

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]', re.M)
# Comments, and string and character literals; digit separators (1'000) are no literals.
NOT_CODE = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"([^(\s]*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|(?<![0-9A-Fa-f])\'(?:\\.|[^\'\\\n])+\'',
    re.S)


def blank(match):
    text = match.group(0)
    return re.sub(r'[^\n]', ' ', text)


def code_of(text):
    """The text with comments and literals blanked, except the names in #include lines."""
    return NOT_CODE.sub(lambda m: m.group(0) if in_include(text, m.start()) else blank(m), text)


def in_include(text, at):
    start = text.rfind('\n', 0, at) + 1
    return text[at] == '"' and re.match(r'\s*#\s*include\s*$', text[start:at]) is not None


def matches_any(path, patterns):
    return any(re.search(pattern, path) for pattern in patterns)


def folder_of(path, root):
    """'common/log/embedded/x.h' under 'common' -> 'log'; '' for a file directly in root."""
    parts = path[len(root) + 1:].split('/')
    return parts[0] if len(parts) > 1 else ''


def service_of(path):
    parts = path.split('/')
    return parts[1] if len(parts) > 2 else ''


def service_folder_of(path):
    parts = path.split('/')
    return parts[2] if len(parts) > 3 else ''


def common_include(path, included):
    """Why a file of common/ may not include `included`, or None."""
    if included.startswith(('services/', 'tools/', 'tests/')):
        return 'common/ does not see services, tools or tests'
    proto = re.match(r'crm/(\w+)/v\d', included)
    if proto and proto.group(1) not in ('common', 'admin'):
        return 'common/ does not see a service\'s protos'
    if not included.startswith('common/'):
        return None
    own, other = folder_of(path, 'common'), folder_of(included, 'common')
    for name in (own, other):
        if name not in RANK:
            return f'common/{name} has no rank in scripts/layering.py'
    if any(re.search(place, path) and re.search(header, included) for place, header in ALSO_SEES):
        return None
    if own != other and RANK[other] >= RANK[own]:
        return f'common/{own} is not above common/{other}'
    return None


def service_include(path, included):
    service, folder = service_of(path), service_folder_of(path)
    if included.startswith(('tools/', 'tests/')):
        return 'services do not see tools or tests'
    if included.startswith('services/'):
        return service_to_service(path, service, folder, included)
    proto = re.match(r'crm/(\w+)/v\d', included)
    if proto and folder == 'domain' and proto.group(1) not in ('common', service):
        return 'domain/ sees only its own protos'
    if included.startswith('common/'):
        return service_to_common(folder, included)
    return None


def service_to_service(path, service, folder, included):
    other, other_folder = service_of(included), service_folder_of(included)
    if path.startswith(HOSTS_ALL):
        definition = f'services/{other}/api/{other}_service.h'
        return None if included == definition else 'services/all sees the services\' definitions only'
    if other != service:
        return 'services do not include one another'
    if not folder:
        return None
    if folder not in SERVICE_MAY_SEE:
        return f'folder {folder}/ of a service has no rule in scripts/layering.py'
    if other_folder != folder and other_folder not in SERVICE_MAY_SEE[folder]:
        return f'{folder}/ does not see {other_folder or "the service definition"}'
    return None


def service_to_common(folder, included):
    if not folder:
        return None
    may_use = SERVICE_MAY_USE.get(folder, set())
    if may_use is not None and folder_of(included, 'common') not in may_use:
        return f'{folder}/ does not see {included.rsplit("/", 1)[0]}'
    if folder == 'domain' and included in DOMAIN_MAY_NOT_SEE:
        return 'domain/ has no clock, randomness, secrets or threads'
    return None


def tool_include(path, included):
    return 'tools do not see tests' if included.startswith('tests/') else None


INCLUDE_RULES = {'common': common_include, 'services': service_include, 'tools': tool_include}


def check_includes(path, text):
    rule = INCLUDE_RULES.get(path.split('/')[0], lambda *_: None)
    for match in INCLUDE.finditer(text):
        included = match.group(2)
        line = text.count('\n', 0, match.start(1)) + 1
        if '..' in included.split('/'):
            yield line, 'include', f'{included}: paths start at the root of the repository'
        why = rule(path, included)
        if why:
            yield line, 'layer', f'{included}: {why}'
        for vendor, places in VENDORS:
            if re.match(vendor, included) and not matches_any(path, places):
                yield line, 'vendor', f'{included} is not seen here'


def check_calls(path, code):
    for name, pattern, places in BANNED:
        if matches_any(path, places):
            continue
        for match in re.finditer(pattern, code):
            line = code.count('\n', 0, match.start()) + 1
            yield line, 'banned', f'{name}: {match.group(0).strip()}'


def check_shape(path, text):
    if BANNED_NAMES.search(path.lower()):
        yield 1, 'name', 'name the idea, not "utils", "helpers", "misc", "manager", "handler" or "impl"'
    if path.endswith('.h') and not re.search(r'^#pragma once$', text, re.M):
        yield 1, 'header', '#pragma once is missing'


def check_length(path, text):
    lines = text.count('\n')
    limit = HEADER_LINES if path.endswith('.h') else SOURCE_LINES
    if lines > limit and not path.startswith('tests/'):
        yield f'{path}: {lines} lines, {limit} are the aim'


def source_files(root):
    for folder in SOURCE_FOLDERS:
        for path in sorted((root / folder).rglob('*')):
            if path.suffix in ('.h', '.cc') and path.is_file():
                yield path


def check_tree(root):
    """(faults, warnings) as lines of text."""
    faults, warnings = [], []
    for file in source_files(root):
        path = file.relative_to(root).as_posix()
        text = file.read_text(encoding='utf-8')
        code = code_of(text)
        found = [*check_includes(path, code), *check_calls(path, code), *check_shape(path, text)]
        faults += [f'{path}:{line}: {rule}: {what}' for line, rule, what in sorted(found)]
        warnings += check_length(path, text)
    return faults, warnings


# Each: path, content, the rule that must find it; None: must be accepted.
PLANTED = [
    ('common/base/a.h', '#include "common/log/log.h"', 'layer'),
    ('common/log/a.h', '#include "common/storage/store.h"', 'layer'),
    ('common/projection/a.h', '#include "common/rpc/call.h"', 'layer'),
    ('common/novel/a.h', '#include "common/base/ids.h"', 'layer'),
    ('common/service/a.h', '#include "crm/contact/v1/contact.pb.h"', 'layer'),
    ('common/service/b.h', '#include "services/contact/contact_service.h"', 'layer'),
    ('services/contact/domain/a.h', '#include "common/log/log.h"', 'layer'),
    ('services/contact/domain/b.h', '#include "common/base/clock.h"', 'layer'),
    ('services/contact/domain/c.h', '#include "services/contact/projection/rows.h"', 'layer'),
    ('services/contact/domain/d.h', '#include "crm/campaign/v1/campaign.pb.h"', 'layer'),
    ('services/contact/projection/a.h', '#include "services/contact/api/contact_api.h"', 'layer'),
    ('services/contact/projection/b.h', '#include "common/log/log.h"', 'layer'),
    ('services/contact/api/a.h', '#include "services/campaign/domain/campaign.h"', 'layer'),
    ('services/contact/odd/a.h', '#include "services/contact/domain/contact.h"', 'layer'),
    ('services/all/a.h', '#include "services/contact/api/contact_api.h"', 'layer'),
    ('tools/crmctl/a.h', '#include "tests/support/server.h"', 'layer'),
    ('common/aggregate/a.h', '#include <rocksdb/db.h>', 'vendor'),
    ('common/log/embedded_log.h', '#include <rocksdb/db.h>', 'vendor'),
    ('common/log/embedded/a.h', '#include <librdkafka/rdkafka.h>', 'vendor'),
    ('common/service/c.h', '#include <grpcpp/grpcpp.h>', 'vendor'),
    ('services/contact/domain/e.h', '#include <grpcpp/grpcpp.h>', 'vendor'),
    ('common/log/b.h', '#include "../base/ids.h"', 'include'),
    ('common/log/c.h', 'auto t = std::chrono::system_clock::now();', 'banned'),
    ('common/log/d.h', 'auto t = std::chrono::steady_clock::now();', 'banned'),
    ('common/log/e.h', 'const char* e = getenv("X");', 'banned'),
    ('common/log/f.h', 'std::this_thread::sleep_for(d);', 'banned'),
    ('common/log/g.h', 'std::random_device device;', 'banned'),
    ('common/log/h.h', 'std::cout << 1;', 'banned'),
    ('common/log/i.h', 'if (bad) throw 1;', 'banned'),
    ('common/log/j.h', 'absl::Mutex mutex;', 'banned'),
    ('common/log/k.h', 'assert(true);', 'banned'),
    ('common/log/l.h', 'std::mutex mutex;', 'banned'),
    ('tests/unit/a.cc', 'std::this_thread::sleep_for(d);', 'banned'),
    ('tests/unit/b.cc', 'int n = 1\'000; std::random_device d; char c = \'x\';', 'banned'),
    ('common/log/string_utils.h', '', 'name'),
    ('common/helpers/a.cc', '', 'name'),
    ('common/log/aggregate/ok.h', '#include "common/base/ids.h"', None),
    ('common/log/embedded/ok.cc', '#include <rocksdb/db.h>\n#include "common/storage/files.h"', None),
    ('common/log/embedded/b.cc', '#include "common/storage/store.h"', 'layer'),
    ('common/log/memory/a.cc', '#include "common/storage/files.h"', 'layer'),
    ('common/rpc/ok.cc', '#include <grpcpp/grpcpp.h>', None),
    ('common/base/clock.cc', 'return std::chrono::system_clock::now();', None),
    ('common/log/ok.cc', '// assert(x), throw, "../a"\nconst char* s = "throw std::cout"; /* getenv */', None),
    ('common/log/ok2.cc', 'static_assert(true); auto s = R"(throw)"; int simple = 1;', None),
    ('services/contact/ok.cc', '#include "services/contact/api/contact_api.h"\n'
                               '#include "common/service/service_definition.h"', None),
    ('services/contact/projection/ok.h', '#include "services/contact/domain/contact.h"', None),
    ('services/all/main.cc', '#include "services/contact/api/contact_service.h"\n#include <grpcpp/grpcpp.h>\n'
                             'std::cout << 1;', None),
    ('tools/crmctl/ok.cc', 'std::cout << 1;', None),
    ('tests/unit/implied_test.cc', '', None),
]


def self_test():
    wrong = []
    with tempfile.TemporaryDirectory() as scratch:
        root = pathlib.Path(scratch)
        for path, content, _ in PLANTED:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            header = '#pragma once\n' if path.endswith('.h') else ''
            (root / path).write_text(header + content + '\n', encoding='utf-8')
        (root / 'common/log/bare.h').write_text('int x;\n', encoding='utf-8')
        (root / 'common/log/long.h').write_text('#pragma once\n' * 201, encoding='utf-8')
        faults, warnings = check_tree(root)
        expected = PLANTED + [('common/log/bare.h', '', 'header'), ('common/log/long.h', '', None)]
        for path, content, rule in expected:
            rules = [fault.split(': ')[1] for fault in faults if fault.startswith(path + ':')]
            if rules != ([rule] if rule else []):
                wrong.append(f'{path} ({content!r}): expected {rule}, found {rules}')
        if len(warnings) != 1:
            wrong.append(f'expected one warning of length, found {warnings}')
    for line in wrong:
        print(f'layering self-test: {line}')
    print(f'layering self-test: {len(PLANTED) + 2 - len(wrong)} of {len(PLANTED) + 2} as expected')
    return 1 if wrong else 0


def main(arguments):
    if arguments == ['--self-test']:
        return self_test()
    root = pathlib.Path(arguments[0] if arguments else pathlib.Path(__file__).parent.parent)
    faults, warnings = check_tree(root)
    for warning in warnings:
        print(f'layering: warning: {warning}')
    for fault in faults:
        print(fault)
    print(f'layering: {len(faults)} faults')
    return 1 if faults else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
