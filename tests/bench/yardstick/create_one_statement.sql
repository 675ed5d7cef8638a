-- The same as create.sql in one statement, so in one round trip: a transaction of its own.
\set n random(1, 1000000000000000)
with born as (
  insert into contact (tenant, source, external_key, kind, display_name, given_name, family_name, emails, phones,
                       language_code, region_code)
    values ('default', 'bench', :n::text, 'PERSON', 'Ada Lovelace', 'Ada', 'Lovelace',
            array['Lovelace' || :n::text || '@example.com'], array['+1415' || right(:n::text, 7)], 'en-US', 'US')
    returning id
)
insert into event (tenant, contact, version, type, request_id, payload)
  select 'default', id, 1, 'ContactCreated', 'bench-' || :n::text,
         ('{"kind":"PERSON","display_name":"Ada Lovelace","given_name":"Ada","family_name":"Lovelace","emails":["Lovelace'
          || :n::text || '@example.com"],"phones":["+1415' || right(:n::text, 7)
          || '"],"language_code":"en-US","region_code":"US"}')::json
    from born;
