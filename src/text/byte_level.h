// GPT-2's byte-level alphabet and its way of cutting a text into words.
//
// What it does:  gives each byte a visible character (a space is U+0120), so that any text is made
//                of 256 symbols; cuts text by the pattern
//                  's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
//                with a scanner that reads each character at most twice and needs no stack.
// When to use:   BART, Whisper and whatever has a ByteLevel step in its tokenizer.json.
// Source:        Radford et al. 2019 ("GPT-2"), section 2.2; alphabet and pattern as published with
//                github.com/openai/gpt-2 (encoder.py).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tandem::byte_level {

// The character that stands for a byte, in UTF-8.
std::string_view symbol(unsigned char byte) noexcept;

// The byte that a character stands for, or -1.
int byte_of(char32_t symbol) noexcept;

// `text` with each byte as its character.
std::string to_symbols(std::string_view text);

// Appends to `bytes` what the characters of `token` stand for. False, and nothing appended, if one
// of them stands for no byte.
bool append_bytes(std::string& bytes, std::string_view token);

// The length in bytes of the first word of `text`, which is not empty and is valid UTF-8.
std::size_t first_word(std::string_view text) noexcept;

}  // namespace tandem::byte_level
