#!/usr/bin/env python3
"""Checks deploy/compose.yaml: it is YAML; each service has two replicas with a name, an address and data of
their own; every variable is one that the server knows; secrets and volumes are declared; no port is taken twice."""

import collections
import pathlib
import re
import sys

import yaml

ROOT = pathlib.Path(__file__).parent.parent
PROGRAMS = ('crm-contact', 'crm-interaction', 'crm-campaign', 'crm-analytics')
REPLICAS = 2


def known_variables():
    """CRM_DATA_DIR for the option data-dir."""
    text = (ROOT / 'common/config/server_options.cc').read_text(encoding='utf-8')
    names = re.findall(r'(?:\{|YesOrNo\()"([a-z][a-z-]+)",', text)
    return {'CRM_' + name.upper().replace('-', '_') for name in names}


def twice(values):
    return [value for value, count in collections.Counter(values).items() if count > 1]


def replica_faults(name, service, variables):
    environment = service.get('environment', {})
    for variable in environment:
        if variable not in variables:
            yield f'{name}: {variable} is no option of the server'
    if environment.get('CRM_INSTANCE') != name:
        yield f'{name}: CRM_INSTANCE is not its name'
    if environment.get('CRM_ADVERTISE') != f'{name}:50051':
        yield f'{name}: CRM_ADVERTISE is not where the others reach it'
    if f'{name}:/var/lib/crm' not in service.get('volumes', []):
        yield f'{name}: has no data of its own'


def faults(compose):
    services, variables = compose['services'], known_variables()
    by_program = collections.defaultdict(list)
    for name, service in services.items():
        program = service.get('command', [''])[0]
        if program in PROGRAMS:
            by_program[program].append(name)
            yield from replica_faults(name, service, variables)
        for volume in service.get('volumes', []):
            if volume.split(':')[0] not in compose['volumes']:
                yield f'{name}: volume {volume} is not declared'
        for secret in service.get('secrets', []):
            if secret not in compose['secrets']:
                yield f'{name}: secret {secret} is not declared'
        for other in service.get('depends_on', {}):
            if other not in services:
                yield f'{name}: waits for {other}, which is not there'
    for program in PROGRAMS:
        if len(by_program[program]) != REPLICAS:
            yield f'{program}: has {len(by_program[program])} replicas, not {REPLICAS}'
    ports = [port.rsplit(':', 1)[0] for service in services.values() for port in service.get('ports', [])]
    yield from (f'port {port} is given twice' for port in twice(ports))


def main():
    found = list(faults(yaml.safe_load((ROOT / 'deploy/compose.yaml').read_text(encoding='utf-8'))))
    for fault in found:
        print(f'compose: {fault}', file=sys.stderr)
    return 1 if found else 0


if __name__ == '__main__':
    sys.exit(main())
