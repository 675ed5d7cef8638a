#pragma once

#include <string>
#include <string_view>
#include <vector>

// How names are found by what one of their words begins with.
//
// A key holds the primary weights of Unicode root collation: case, accents and the width of
// characters make no difference, hiragana and katakana are the same, an "ø" is an "o". What begins
// like a text has a key that begins like the text's key, so a search is a range of keys. (That
// holds for sort keys of primary strength: ICU writes a weight by what came before it, never by
// what follows. The exceptions are contractions, which root collation has where a vowel sign is
// written before its consonant, as in Thai: there a word is found from its second character on.)
// Folding by Unicode's tables instead would keep "ø", "ł" and the two kana apart and would sort
// by code points.
//
// Only an alef is found without its hamza, which root collation takes for another letter.
//
// Blanks, punctuation and symbols only part words: one blank stands for any of them.
namespace crm::contact {

// Bytes of a key as rows hold it: some twenty letters, and then the contact is asked.
inline constexpr size_t kMaxSearchKey = 32;

// Of what a search looks for; whole, without zero bytes. Empty where it holds no letter or digit.
std::string SearchKey(std::string_view prefix);

// Of the rest of each name from each of its words on: sorted, and without those that begin another
// one; cut at `max_bytes`.
std::vector<std::string> SearchKeys(const std::vector<std::string_view>& names, size_t max_bytes);

}  // namespace crm::contact
