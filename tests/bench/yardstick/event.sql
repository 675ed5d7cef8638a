insert into event (tenant, contact, version, type, request_id, payload)
  values ('default', $1, 1, 'ContactCreated', $2, $3::json)
