#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace crm::contact {

// The form in which an e-mail address is kept, or nothing where it is none. Leading and trailing
// blanks are dropped and the domain is put into lower case; the local part is left as it is, since
// its case may matter to the receiving server. Idempotent.
//
// Accepted is what SMTP can deliver to, the Mailbox of RFC 5321 §4.1.2: a dot-atom or a quoted
// string without control characters, then a host name or an IPv4 or IPv6 address literal, within
// the limits of §4.5.3.1 (local part 64 bytes, label 63, the whole 254). Of the classes of a
// diagnosis by `isemail`:
//
//   accepted   valid, dnsWarn, rfc5321 (numeric and single-label domains, quoted strings, literals)
//   refused    err, deprecated, cfws (comments, folds; but blanks at the ends are dropped),
//              rfc5322 (fine in a message's header, but no mail can be sent there)
//
// Addresses outside ASCII are refused: write the domain in its xn-- form. No DNS is asked.
std::optional<std::string> NormaliseEmail(std::string_view text);

}  // namespace crm::contact
