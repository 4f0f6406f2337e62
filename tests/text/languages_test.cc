// Which language a model is asked for: a family's own spelling and tags of BCP 47, for the lists of
// all families. The names are those of ISO 639.
#include "text/languages.h"

#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tandem/error.h>

#include "text/families/language_lists.h"

namespace tandem {
namespace {

std::vector<std::string> codes_of(const std::string& family) {
  std::vector<std::string> codes;
  if (family == "marian") {  // of a model that was made for these tests
    codes = {"arz", "cmn", "cmn_Bopo", "cmn_Hans", "cmn_Hant", "deu",      "es_AR",    "fr_CA",
             "fra", "heb", "nob",      "pt_BR",    "por",      "srp_Cyrl", "srp_Latn", "zlm_Latn"};
  } else if (family == "madlad") {  // some of its 419
    codes = {"ar", "ckb", "dv", "fil", "he", "la",      "ms",
             "no", "or",  "pt", "sr",  "zh", "zh_Latn", "zu"};
  } else if (family == "m2m100" || family == "wmt21") {
    for (const std::string_view code : m2m100_languages(family)) codes.emplace_back(code);
  } else {
    for (const std::string_view code : languages_of(family)) codes.emplace_back(code);
  }
  return codes;
}

const char* const kFamilies[] = {"MBartTokenizer", "MBart50Tokenizer", "NllbTokenizer", "m2m100",
                                 "wmt21",          "marian",           "madlad"};

Languages all(const std::string& family) {
  Languages languages;
  TokenId id = 0;
  for (std::string& code : codes_of(family)) languages.add(std::move(code), id++);
  return languages;
}

// The code that a name is understood as; empty: none.
std::string meant(const std::string& family, std::string_view name) {
  try {
    const TokenId id = all(family).find(name, "source language");
    return codes_of(family)[static_cast<std::size_t>(id)];
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    return {};
  }
}

TEST(Languages, AFamilysOwnSpellingIsItself) {
  for (const std::string family : kFamilies)
    for (const std::string& code : codes_of(family)) {
      EXPECT_EQ(meant(family, code), code);
      for (const auto& [front, back] : std::map<std::string, std::string>{
               {">>", "<<"}, {"__", "__"}, {"<2", ">"}, {"<|", "|>"}})
        EXPECT_EQ(meant(family, front + code + back), code);
    }
}

// ISO 639-1 and ISO 639-3 (SIL International, code tables of 2023): all 184 pairs.
TEST(Languages, TwoLettersAndThreeAreTheSameLanguage) {
  std::istringstream pairs(
      "aa aar ab abk ae ave af afr ak aka am amh an arg ar ara as asm av ava ay aym az aze ba "
      "bak be bel bg bul bi bis bm bam bn ben bo bod br bre bs bos ca cat ce che ch cha co cos "
      "cr cre cs ces cu chu cv chv cy cym da dan de deu dv div dz dzo ee ewe el ell en eng eo "
      "epo es spa et est eu eus fa fas ff ful fi fin fj fij fo fao fr fra fy fry ga gle gd gla "
      "gl glg gn grn gu guj gv glv ha hau he heb hi hin ho hmo hr hrv ht hat hu hun hy hye hz "
      "her ia ina id ind ie ile ig ibo ii iii ik ipk io ido is isl it ita iu iku ja jpn jv jav "
      "ka kat kg kon ki kik kj kua kk kaz kl kal km khm kn kan ko kor kr kau ks kas ku kur kv "
      "kom kw cor ky kir la lat lb ltz lg lug li lim ln lin lo lao lt lit lu lub lv lav mg mlg "
      "mh mah mi mri mk mkd ml mal mn mon mr mar ms msa mt mlt my mya na nau nb nob nd nde ne "
      "nep ng ndo nl nld nn nno no nor nr nbl nv nav ny nya oc oci oj oji om orm or ori os oss "
      "pa pan pi pli pl pol ps pus pt por qu que rm roh rn run ro ron ru rus rw kin sa san sc "
      "srd sd snd se sme sg sag sh hbs si sin sk slk sl slv sm smo sn sna so som sq sqi sr srp "
      "ss ssw st sot su sun sv swe sw swa ta tam te tel tg tgk th tha ti tir tk tuk tl tgl tn "
      "tsn to ton tr tur ts tso tt tat tw twi ty tah ug uig uk ukr ur urd uz uzb ve ven vi vie "
      "vo vol wa wln wo wol xh xho yi yid yo yor za zha zh zho zu zul ");
  std::string two, three;
  int count = 0;
  std::map<std::string, int> known;
  for (; pairs >> two >> three; ++count)
    for (const std::string family : kFamilies) {
      EXPECT_EQ(meant(family, two), meant(family, three)) << family << ", " << two;
      known[family] += meant(family, two).empty() ? 0 : 1;
    }
  EXPECT_EQ(count, 184);
  EXPECT_EQ(known["MBart50Tokenizer"], 52);
  // M2M100 has 100 languages; of these ast, ceb, ilo and Northern Sotho have no two letters.
  EXPECT_GE(known["m2m100"], 96);
}

// ISO 639-2: bibliographic codes.
TEST(Languages, BibliographicCodesAreUnderstood) {
  for (const auto& [name, code] : std::map<std::string, std::string>{{"ger", "deu_Latn"},
                                                                     {"fre", "fra_Latn"},
                                                                     {"dut", "nld_Latn"},
                                                                     {"chi", "zho_Hans"},
                                                                     {"cze", "ces_Latn"},
                                                                     {"gre", "ell_Grek"},
                                                                     {"per", "pes_Arab"},
                                                                     {"rum", "ron_Latn"},
                                                                     {"alb", "als_Latn"},
                                                                     {"wel", "cym_Latn"},
                                                                     {"may", "zsm_Latn"},
                                                                     {"tib", "bod_Tibt"}})
    EXPECT_EQ(meant("NllbTokenizer", name), code);
}

struct Asked {
  const char* tag;
  const char *mbart50, *nllb, *m2m100, *marian, *madlad;  // empty: not a language of the model
};

TEST(Languages, TagsResolveToEachFamilysCode) {
  for (const Asked& asked :
       std::vector<Asked>{{"pt", "pt_XX", "por_Latn", "pt", "por", "pt"},
                          {"por", "pt_XX", "por_Latn", "pt", "por", "pt"},
                          {"pt-BR", "pt_XX", "por_Latn", "pt", "pt_BR", "pt"},
                          {"pt-PT", "pt_XX", "por_Latn", "pt", "por", "pt"},
                          {"PT-latn-br", "pt_XX", "por_Latn", "pt", "pt_BR", "pt"},
                          {"zh", "zh_CN", "zho_Hans", "zh", "cmn", "zh"},
                          {"zho", "zh_CN", "zho_Hans", "zh", "cmn", "zh"},
                          {"cmn", "zh_CN", "zho_Hans", "zh", "cmn", "zh"},
                          {"zh-cmn-Hans-CN", "zh_CN", "zho_Hans", "zh", "cmn_Hans", "zh"},
                          {"zh-Hans", "zh_CN", "zho_Hans", "zh", "cmn_Hans", "zh"},
                          {"zh-SG", "zh_CN", "zho_Hans", "zh", "cmn_Hans", "zh"},
                          {"zh-Hant", "", "zho_Hant", "zh", "cmn_Hant", "zh"},
                          {"zh-TW", "", "zho_Hant", "zh", "cmn_Hant", "zh"},
                          {"zh-Latn", "", "", "zh", "cmn", "zh_Latn"},
                          {"zh-yue", "", "yue_Hant", "", "", ""},
                          {"sr", "", "srp_Cyrl", "sr", "srp_Cyrl", "sr"},
                          {"sr-Cyrl", "", "srp_Cyrl", "sr", "srp_Cyrl", "sr"},
                          {"sr-Latn", "", "", "sr", "srp_Latn", "sr"},
                          {"de-AT", "de_DE", "deu_Latn", "de", "deu", ""},
                          {"de-1996", "de_DE", "deu_Latn", "de", "deu", ""},
                          {"de-u-co-phonebk", "de_DE", "deu_Latn", "de", "deu", ""},
                          {"es-419", "es_XX", "spa_Latn", "es", "es_AR", ""},
                          {"fr-CA", "fr_XX", "fra_Latn", "fr", "fr_CA", ""},
                          {"fr-BE", "fr_XX", "fra_Latn", "fr", "fra", ""},
                          {"iw", "he_IL", "heb_Hebr", "he", "heb", "he"},
                          {"no", "", "nob_Latn", "no", "nob", "no"},
                          {"nb", "", "nob_Latn", "no", "nob", "no"},
                          {"la", "", "", "", "", "la"},
                          {"lat", "", "", "", "", "la"},
                          {"tl", "tl_XX", "tgl_Latn", "tl", "", "fil"},
                          {"ar-EG", "ar_AR", "arb_Arab", "ar", "", "ar"},
                          {"arz", "", "arz_Arab", "", "arz", ""}}) {
    EXPECT_EQ(meant("MBart50Tokenizer", asked.tag), asked.mbart50) << asked.tag;
    EXPECT_EQ(meant("NllbTokenizer", asked.tag), asked.nllb) << asked.tag;
    EXPECT_EQ(meant("m2m100", asked.tag), asked.m2m100) << asked.tag;
    EXPECT_EQ(meant("marian", asked.tag), asked.marian) << asked.tag;
    EXPECT_EQ(meant("madlad", asked.tag), asked.madlad) << asked.tag;
  }
}

TEST(Languages, OfSeveralScriptsTheLikelyOneGoesWithoutSaying) {
  EXPECT_EQ(meant("NllbTokenizer", "ace"), "ace_Latn");
  EXPECT_EQ(meant("NllbTokenizer", "bjn"), "bjn_Latn");
  EXPECT_EQ(meant("NllbTokenizer", "ks"), "kas_Arab");
  EXPECT_EQ(meant("NllbTokenizer", "ks-Deva"), "kas_Deva");
  EXPECT_EQ(meant("NllbTokenizer", "taq"), "taq_Latn");
}

TEST(Languages, WhatIsNoTagIsNoLanguage) {
  for (const char* name :
       {"", "-", "_", "de--DE", "de DE", "portuguese-brazil", "deu_Latnx0123", ">>", "__", "<2>"})
    for (const std::string family : kFamilies)
      EXPECT_EQ(meant(family, name), "") << family << ", " << name;
}

TEST(Languages, AnUnknownLanguageIsAnsweredWithTheNearest) {
  try {
    all("NllbTokenizer").find("deu_Ltn", "source language");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::invalid_argument);
    EXPECT_THAT(e.message(), testing::HasSubstr("deu_Ltn"));
    EXPECT_THAT(e.hint(), testing::HasSubstr("deu_Latn"));
  }
}

}  // namespace
}  // namespace tandem
