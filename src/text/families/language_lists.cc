#include "text/families/language_lists.h"

#include <span>
#include <string_view>

#include "text/json_file.h"

namespace tandem {
namespace {

// In the order of the ids. mBART has the first 25 of mBART-50's.
constexpr std::string_view kMBart50[] = {
    "ar_AR", "cs_CZ", "de_DE", "en_XX", "es_XX", "et_EE", "fi_FI", "fr_XX", "gu_IN",
    "hi_IN", "it_IT", "ja_XX", "kk_KZ", "ko_KR", "lt_LT", "lv_LV", "my_MM", "ne_NP",
    "nl_XX", "ro_RO", "ru_RU", "si_LK", "tr_TR", "vi_VN", "zh_CN", "af_ZA", "az_AZ",
    "bn_IN", "fa_IR", "he_IL", "hr_HR", "id_ID", "ka_GE", "km_KH", "mk_MK", "ml_IN",
    "mn_MN", "mr_IN", "pl_PL", "ps_AF", "pt_XX", "sv_SE", "sw_KE", "ta_IN", "te_IN",
    "th_TH", "tl_XX", "uk_UA", "ur_PK", "xh_ZA", "gl_ES", "sl_SI"};
constexpr std::size_t kMBartCount = 25;

constexpr std::string_view kNllb[] = {
    "ace_Arab", "ace_Latn", "acm_Arab", "acq_Arab", "aeb_Arab", "afr_Latn", "ajp_Arab", "aka_Latn",
    "amh_Ethi", "apc_Arab", "arb_Arab", "ars_Arab", "ary_Arab", "arz_Arab", "asm_Beng", "ast_Latn",
    "awa_Deva", "ayr_Latn", "azb_Arab", "azj_Latn", "bak_Cyrl", "bam_Latn", "ban_Latn", "bel_Cyrl",
    "bem_Latn", "ben_Beng", "bho_Deva", "bjn_Arab", "bjn_Latn", "bod_Tibt", "bos_Latn", "bug_Latn",
    "bul_Cyrl", "cat_Latn", "ceb_Latn", "ces_Latn", "cjk_Latn", "ckb_Arab", "crh_Latn", "cym_Latn",
    "dan_Latn", "deu_Latn", "dik_Latn", "dyu_Latn", "dzo_Tibt", "ell_Grek", "eng_Latn", "epo_Latn",
    "est_Latn", "eus_Latn", "ewe_Latn", "fao_Latn", "pes_Arab", "fij_Latn", "fin_Latn", "fon_Latn",
    "fra_Latn", "fur_Latn", "fuv_Latn", "gla_Latn", "gle_Latn", "glg_Latn", "grn_Latn", "guj_Gujr",
    "hat_Latn", "hau_Latn", "heb_Hebr", "hin_Deva", "hne_Deva", "hrv_Latn", "hun_Latn", "hye_Armn",
    "ibo_Latn", "ilo_Latn", "ind_Latn", "isl_Latn", "ita_Latn", "jav_Latn", "jpn_Jpan", "kab_Latn",
    "kac_Latn", "kam_Latn", "kan_Knda", "kas_Arab", "kas_Deva", "kat_Geor", "knc_Arab", "knc_Latn",
    "kaz_Cyrl", "kbp_Latn", "kea_Latn", "khm_Khmr", "kik_Latn", "kin_Latn", "kir_Cyrl", "kmb_Latn",
    "kon_Latn", "kor_Hang", "kmr_Latn", "lao_Laoo", "lvs_Latn", "lij_Latn", "lim_Latn", "lin_Latn",
    "lit_Latn", "lmo_Latn", "ltg_Latn", "ltz_Latn", "lua_Latn", "lug_Latn", "luo_Latn", "lus_Latn",
    "mag_Deva", "mai_Deva", "mal_Mlym", "mar_Deva", "min_Latn", "mkd_Cyrl", "plt_Latn", "mlt_Latn",
    "mni_Beng", "khk_Cyrl", "mos_Latn", "mri_Latn", "zsm_Latn", "mya_Mymr", "nld_Latn", "nno_Latn",
    "nob_Latn", "npi_Deva", "nso_Latn", "nus_Latn", "nya_Latn", "oci_Latn", "gaz_Latn", "ory_Orya",
    "pag_Latn", "pan_Guru", "pap_Latn", "pol_Latn", "por_Latn", "prs_Arab", "pbt_Arab", "quy_Latn",
    "ron_Latn", "run_Latn", "rus_Cyrl", "sag_Latn", "san_Deva", "sat_Beng", "scn_Latn", "shn_Mymr",
    "sin_Sinh", "slk_Latn", "slv_Latn", "smo_Latn", "sna_Latn", "snd_Arab", "som_Latn", "sot_Latn",
    "spa_Latn", "als_Latn", "srd_Latn", "srp_Cyrl", "ssw_Latn", "sun_Latn", "swe_Latn", "swh_Latn",
    "szl_Latn", "tam_Taml", "tat_Cyrl", "tel_Telu", "tgk_Cyrl", "tgl_Latn", "tha_Thai", "tir_Ethi",
    "taq_Latn", "taq_Tfng", "tpi_Latn", "tsn_Latn", "tso_Latn", "tuk_Latn", "tum_Latn", "tur_Latn",
    "twi_Latn", "tzm_Tfng", "uig_Arab", "ukr_Cyrl", "umb_Latn", "urd_Arab", "uzn_Latn", "vec_Latn",
    "vie_Latn", "war_Latn", "wol_Latn", "xho_Latn", "ydd_Hebr", "yor_Latn", "yue_Hant", "zho_Hans",
    "zho_Hant", "zul_Latn"};

constexpr std::string_view kM2M100[] = {
    "af", "am", "ar", "ast", "az", "ba", "be", "bg", "bn", "br",  "bs", "ca", "ceb", "cs", "cy",
    "da", "de", "el", "en",  "es", "et", "fa", "ff", "fi", "fr",  "fy", "ga", "gd",  "gl", "gu",
    "ha", "he", "hi", "hr",  "ht", "hu", "hy", "id", "ig", "ilo", "is", "it", "ja",  "jv", "ka",
    "kk", "km", "kn", "ko",  "lb", "lg", "ln", "lo", "lt", "lv",  "mg", "mk", "ml",  "mn", "mr",
    "ms", "my", "ne", "nl",  "no", "ns", "oc", "or", "pa", "pl",  "ps", "pt", "ro",  "ru", "sd",
    "si", "sk", "sl", "so",  "sq", "sr", "ss", "su", "sv", "sw",  "ta", "th", "tl",  "tn", "tr",
    "uk", "ur", "uz", "vi",  "wo", "xh", "yi", "yo", "zh", "zu"};

constexpr std::string_view kWmt21[] = {"en", "ha", "is", "ja", "cs", "ru", "zh", "de"};

// Whisper's; the tokens' ids come from the vocabulary, and older models have fewer.
constexpr std::string_view kWhisper[] = {
    "en", "zh", "de", "es",  "ru", "ko", "fr", "ja", "pt", "tr", "pl", "ca", "nl", "ar", "sv",
    "it", "id", "hi", "fi",  "vi", "he", "uk", "el", "ms", "cs", "ro", "da", "hu", "ta", "no",
    "th", "ur", "hr", "bg",  "lt", "la", "mi", "ml", "cy", "sk", "te", "fa", "lv", "bn", "sr",
    "az", "sl", "kn", "et",  "mk", "br", "eu", "is", "hy", "ne", "mn", "bs", "kk", "sq", "sw",
    "gl", "mr", "pa", "si",  "km", "sn", "yo", "so", "af", "oc", "ka", "be", "tg", "sd", "gu",
    "am", "yi", "lo", "uz",  "fo", "ht", "ps", "tk", "nn", "mt", "sa", "lb", "my", "bo", "tl",
    "mg", "as", "tt", "haw", "ln", "ha", "ba", "jw", "su", "yue"};

std::string plain(std::string_view code) {
  return std::string(code);
}
std::string barred(std::string_view code) {
  return "<|" + std::string(code) + "|>";
}
std::string underscored(std::string_view code) {
  return "__" + std::string(code) + "__";
}

using Place = SequenceTemplate::LanguagePlace;

// Adds the codes whose tokens exist.
void add_languages(std::span<const std::string_view> codes, std::string (*token)(std::string_view),
                   const FindToken& find, Languages& languages) {
  for (const std::string_view code : codes)
    if (const TokenId id = find(token(code)); id >= 0) languages.add(std::string(code), id);
}

}  // namespace

std::span<const std::string_view> languages_of(std::string_view tokenizer_class) {
  if (tokenizer_class == "MBartTokenizer") return std::span(kMBart50).first(kMBartCount);
  if (tokenizer_class == "MBart50Tokenizer") return kMBart50;
  if (tokenizer_class == "NllbTokenizer") return kNllb;
  return {};
}

std::span<const std::string_view> m2m100_languages(const std::string& list) {
  if (list == "wmt21") return kWmt21;
  return kM2M100;
}

void set_language_template(const ModelFolder& folder, const FindToken& find, TokenId eos,
                           SequenceTemplate& sequence) {
  const std::string name = folder.tokenizer_class();
  const nlohmann::json& config = folder.tokenizer_config;
  std::string default_source;
  if (name == "MBartTokenizer" || name == "MBart50Tokenizer") {
    default_source = "en_XX";
    sequence.place = name == "MBartTokenizer" ? Place::last : Place::first;
    // Labels X </s> xx, shifted by one: mBART's outputs begin with the language.
    sequence.language_starts_decoder = name == "MBartTokenizer";
  } else if (name == "NllbTokenizer") {
    default_source = "eng_Latn";
    sequence.place = bool_member(config, "legacy_behaviour", false) ? Place::last : Place::first;
  } else if (name == "M2M100Tokenizer") {
    default_source = "en";
    sequence.place = Place::first;
  } else if (name == "WhisperTokenizer") {
    sequence.place = Place::prompt;
    add_languages(kWhisper, barred, find, sequence.languages);
    return;
  } else {
    return;
  }
  if (name == "M2M100Tokenizer") {
    add_languages(m2m100_languages(string_member(config, "language_codes", "m2m100")), underscored,
                  find, sequence.languages);
  } else {
    add_languages(languages_of(name), plain, find, sequence.languages);
  }
  sequence.default_source = string_member(config, "src_lang", default_source);
  sequence.default_target = string_member(config, "tgt_lang", "");
  sequence.before.clear();
  sequence.after.assign(1, eos);
}

}  // namespace tandem
