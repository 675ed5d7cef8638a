-- What a CRM over PostgreSQL would have at the least: contacts that are unique by tenant, source and
-- external key, and the events about them, unique by request id.
create table contact (
  id uuid primary key default gen_random_uuid(),
  tenant text not null,
  source text not null,
  external_key text not null,
  version integer not null default 1,
  kind text not null,
  display_name text not null,
  given_name text,
  family_name text,
  emails text[] not null,
  phones text[] not null,
  language_code text,
  region_code text,
  create_time timestamptz not null default now(),
  unique (tenant, source, external_key)
);

create table event (
  position bigint generated always as identity primary key,
  tenant text not null,
  contact uuid not null,
  version integer not null,
  type text not null,
  request_id text not null,
  recorded_time timestamptz not null default now(),
  payload json not null,
  unique (tenant, request_id)
);
