#include "common/json_texts.hpp"

#include "support/failing_memory.hpp"

#include <doctest/doctest.h>
#include <new>

using demos::JsonTexts;

TEST_CASE("JsonTexts: the texts of an object, and no others") {
    JsonTexts found = JsonTexts::parse(R"( {"a":"1","b":2,"c":{"a":"inner"},"d":["x"],"":"é\n"} )");
    CHECK(found.is_json);
    CHECK(found.is_object);
    CHECK_EQ(found.texts.size(), 2);
    REQUIRE_NE(found.find("a"), nullptr);
    CHECK_EQ(*found.find("a"), "1");
    CHECK_EQ(*found.find(""), "é\n");
    CHECK_EQ(found.find("b"), nullptr);
    CHECK_EQ(found.find("inner"), nullptr);
}

TEST_CASE("JsonTexts: of two with one name the last counts, a text or not") {
    CHECK_EQ(*JsonTexts::parse(R"({"a":1,"a":"2"})").find("a"), "2");
    for (const char* const text : {R"({"a":"1","a":2})", R"({"a":"1","a":null})",
                                   R"({"a":"1","a":[]})", R"({"a":"1","a":{"a":"2"}})"})
        CHECK_EQ(JsonTexts::parse(text).find("a"), nullptr);
}

TEST_CASE("JsonTexts: other JSON, and what is none") {
    for (const char* const text : {"1", R"("a")", R"([{"a":"1"}])", "null"}) {
        CAPTURE(text);
        const JsonTexts found = JsonTexts::parse(text);
        CHECK(found.is_json);
        CHECK_FALSE(found.is_object);
        CHECK(found.texts.empty());
    }
    for (const char* const text : {"", "{", R"({"a":"1")", R"({"a":"1"}x)", "{\"a\":\"\xff\"}"}) {
        CAPTURE(text);
        CHECK_FALSE(JsonTexts::parse(text).is_json);
    }
}

TEST_CASE("X4 JsonTexts: without memory it throws, and nothing more") {
    const char* const text =
        R"({"username":"ada","password":"a text that is kept on the heap","x":[1]})";
    int thrown = 0;
    for (int nth = 1; nth <= 40; ++nth) {
        try {
            const pollux_test::FailingMemory none{nth};
            static_cast<void>(JsonTexts::parse(text));
        } catch (const std::bad_alloc&) {
            ++thrown;
        }
    }
    CHECK_GT(thrown, 3);
    CHECK_LT(thrown, 40);
}
