# The story that run.sh and run-kafka.sh tell: a grocer's year (the Complete Journey data set) through all four
# services. Sourced by them, from the repository's root. Needs a function `crmctl` that reaches the servers and
# `outbox`, the folder of the messages that campaigns send. Leaves `story`, `currency` and `created`.

journey=examples/complete_journey
source=(--source complete-journey)
story=complete-journey/2261
currency=USD
analysis_date=2017-12-31

heading() { printf '\n\033[1m%s\033[0m\n' "$1"; }
[[ -t 1 ]] || heading() { printf '\n%s\n' "$1"; }

field() { python3 -c 'import json, sys; print(json.loads(sys.stdin.readline())[sys.argv[1]])' "$1"; }

journey_customers() {
  heading "Customers: the 2,379 households of the Complete Journey, a year of a real grocer, with what is known of them in fields of their tenant"
  crmctl tenant set --file "$journey/tenant.json"
  local field maps=()
  for field in age income home_ownership marital_status household_size household_comp kids_count; do
    maps+=(--map "$field=custom_fields.$field")
  done
  crmctl --actor service:loyalty-program import contacts "$journey/households.csv" "${source[@]}" \
    --key-column household_id "${maps[@]}"
}

journey_purchases() {
  heading "Purchases: 75,000 lines in 47,243 orders"
  gzip -dc "$journey/cj_transactions_sample.csv.gz" |
    crmctl --actor service:tills import orders - "${source[@]}" --key-column basket_id \
      --contact-column household_id --time-column transaction_timestamp --product-column product_id \
      --quantity-column quantity --amount-column sales_value --place-column store_id --currency "$currency"
}

journey_campaigns() {
  heading "Campaigns of the year: 27, with 6,589 sends and 2,102 redemptions"
  crmctl import campaigns "$journey/cj_campaign_descriptions.csv" "${source[@]}" --key-column campaign_id \
    --category-column campaign_type --start-column start_date --end-column end_date
  crmctl import sends "$journey/sends.csv" "${source[@]}" --campaign-column campaign_id \
    --contact-column household_id --time-column sent_date --channel post
  crmctl import responses "$journey/cj_coupon_redemptions.csv" "${source[@]}" --campaign-column campaign_id \
    --contact-column household_id --time-column redemption_date --kind redemption \
    --key-columns household_id,coupon_upc,campaign_id,redemption_date
  crmctl wait
}

journey_figures() {
  heading "How each type of campaign did"
  crmctl campaign compare

  heading "Stages of the life cycle, moved by the orders"
  crmctl stages

  heading "Who is worth what: recency, frequency and monetary value; then expected value and P(alive)"
  crmctl score run --model rfm --date "$analysis_date" --currency "$currency" --request-id "journey-rfm"
  crmctl score run --model value --date "$analysis_date" --currency "$currency" --request-id "journey-value"

  heading "How unevenly sales are spread over the customers"
  crmctl concentration --currency "$currency"

  heading "The ten most valuable customers"
  crmctl score list --order-by "value.lifetime_value_minor desc"
}

journey_live_campaign() {
  heading "A live campaign: consents first (every household with an odd number agreed to e-mail)"
  awk -F, 'NR == 1 || $1 % 2 == 1' "$journey/households.csv" |
    crmctl --actor service:website import consents - "${source[@]}" --contact-column household_id \
      --channel email --wording "2017-12" --evidence "sign-up form"
  crmctl wait

  segment="$(crmctl --json segment create --name "loyal and alive" --request-id journey-loyal \
    --filter 'rfm.recency >= 4 AND rfm.frequency >= 4 AND value.alive_probability > 0.9' | field name)"
  crmctl wait
  heading "The target group, kept up as scores and orders change: $segment"
  crmctl segment members "$segment"
  campaign="$(crmctl --json campaign create --name "Thank you" --type loyalty --segment "$segment" \
    --step thanks:email:marketing --cap 1/30 --subject "Thank you for a good year" \
    --body "A voucher for your next visit is waiting." --request-id journey-thanks | field name)"
  crmctl campaign launch "$campaign" >/dev/null
  crmctl wait
  heading "Launched: one decision for each member, with the consent it relied on"
  crmctl campaign statistics | awk 'NR == 1 || /Thank you/'
  crmctl campaign refusals "$campaign" --show 3
  echo "$(find "$outbox" -type f -name '[!.]*' | wc -l) messages in $outbox, one file each; one of them:"
  cat "$(find "$outbox" -type f -name '[!.]*' | sort | sed -n 1p)"
  echo
}

journey_one_customer() {
  heading "One customer's whole story, out of four services"
  crmctl customer360 --key "$story" --entries 5
  echo
  crmctl contact history --key "$story"
  created="$(crmctl --json contact get --key "$story" | field createTime)"

  crmctl report build/report.html --currency "$currency" --key "$story" --title "A year of a grocer's customers" >/dev/null
  heading "The same as a page with charts: build/report.html"
}
