insert into contact (tenant, source, external_key, kind, display_name, given_name, family_name, emails, phones,
                     language_code, region_code)
  values ('default', $1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
  returning id
