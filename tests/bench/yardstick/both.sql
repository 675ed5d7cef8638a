with born as (
  insert into contact (tenant, source, external_key, kind, display_name, given_name, family_name, emails, phones,
                       language_code, region_code)
    values ('default', $1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    returning id
)
insert into event (tenant, contact, version, type, request_id, payload)
  select 'default', id, 1, 'ContactCreated', $11, $12::json from born
  returning contact
