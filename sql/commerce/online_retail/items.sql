/* ---
description: >-
  One row per stock code, with its most frequent description and a category. The log has no
  categories: keywords of the description decide, the first line of the list that matches holds.
key: [item_id]
requires: [item]
parameters:
  purchase_event: {type: varchar, description: The event type that is a purchase.}
engine: duckdb
columns:
  item_id: {type: source, description: Stock code in upper case.}
  item_name: {type: varchar, description: "Its most frequent description, among purchases where it was bought; null where no line has one."}
  n_names: {type: bigint, description: "Different descriptions, free text of stock movements included."}
  category: {type: varchar, description: "What the keywords say; other where none matches, null where it is no product."}
  is_product: {type: boolean, description: "Whether it is a product, not postage, a discount, a fee or the like."}
checks:
  - expect_column_values_to_not_be_null: {column: item_id}
  - expect_column_values_to_not_be_null: {column: is_product}
  - expect_column_values_to_not_be_in_set: {column: category, value_set: [other], mostly: 0.8, severity: warn}
--- */
with described as (
    select
        item_id,
        item_name,
        count(*) as n_events,
        count(*) filter (where event_type = getvariable('purchase_event')) as n_purchases,
    from events
    where item_id is not null
    group by item_id, item_name
),

names as (
    select
        item_id,
        item_name,
        row_number() over (
            partition by item_id
            order by n_purchases desc, n_events desc, item_name
        ) as place,
        count(*) over (partition by item_id) as n_names,
    from described
    where item_name is not null
),

kinds as (
    select
        item_id,
        bool_and(item_kind = 'product') as is_product,
    from events
    where item_id is not null
    group by item_id
),

items as (
    select
        kinds.item_id,
        names.item_name,
        coalesce(names.n_names, 0) as n_names,
        kinds.is_product,
        -- Words in capitals with a blank on both sides.
        concat(' ', translate(upper(names.item_name), '-/,.()&+''"*', '           '), ' ') as words,
    from kinds
    left join names on kinds.item_id = names.item_id and names.place = 1
)

select
    item_id,
    item_name,
    n_names,
    case
        when not is_product then null
        when regexp_matches(words, ' (NECKLACE|EARRING|BRACELET|BANGLE|BROOCH|PENDANT|JEWELLERY|TIARA|HAIR)')
            then 'jewellery'
        when regexp_matches(words, ' (BAG|BAGS|HANDBAG|SHOPPER|PURSE|RUCKSACK|BACKPACK|TOTE) ')
            then 'bags'
        when regexp_matches(words, ' (CHRISTMAS|XMAS|ADVENT|SANTA|REINDEER|RUDOLPH|SNOW|NATIVITY|BAUBLE|EASTER)')
            then 'christmas and easter'
        when regexp_matches(words, ' (LIGHT|LIGHTS|NIGHTLIGHT|TLIGHT|LAMP|LAMPS|LAMPSHADE|LANTERN|LANTERNS|CANDLE|CANDLES|CANDLEHOLDER|CANDLESTICK|CHANDELIER|LED|TORCH) ')
            then 'lights'
        when regexp_matches(words, ' (SIGN|SIGNS|CLOCK|CLOCKS|FRAME|FRAMES|MIRROR|CHALKBOARD|BLACKBOARD) ')
            then 'signs, clocks and frames'
        when regexp_matches(words, ' (CUSHION|THROW|QUILT|RUG|CURTAIN|BLANKET|HOT WATER|HOTTIE|WARMER|HANDWARMER|HAND WARMER|SCARF|SLIPPER|GLOVE|DOORMAT|UMBRELLA|FLANNEL)')
            then 'textiles and warmth'
        when regexp_matches(words, ' (BUNTING|PARTY|BALLOON|NAPKIN|GARLAND|BIRTHDAY|STREAMER|PAPER CHAIN|DOILY|DOILIES|CONFETTI|FLAG)')
            then 'party'
        when regexp_matches(words, ' (LUNCH|SNACK|PICNIC|FLASK)')
            then 'lunch and picnic'
        when regexp_matches(words, ' (CAKE|BAKING|TEA |TEAPOT|TEACUP|TEASPOON|MUG|CUP |CUPS|SAUCER|PLATE|BOWL|JUG|KITCHEN|CUTLERY|SPOON|FORK|APRON|OVEN|COOKIE|BISCUIT|BREAD|EGG|JAM |JAR |JARS|PANTRY|RECIPE|TRAY|COFFEE|SUGAR|MILK|SCALES|COLANDER|DISH|COASTER|PLACEMAT|TABLE|GLASS|GOBLET|TUMBLER|BEAKER|JELLY|POPCORN|CHOCOLATE|SPICE|FRIDGE)')
            then 'kitchen'
        when regexp_matches(words, ' (GARDEN|PLANT|FLOWER POT|WATERING|PARASOL|BIRD HOUSE|BIRDHOUSE|BIRD TABLE|FEEDER|SEED|GROW|HERB|WINDMILL)')
            then 'garden'
        when regexp_matches(words, ' (TOY|GAME|JIGSAW|PUZZLE|DOLL|CHILD|KIDS|SKIPPING|PLAYING|BLOCK|HARMONICA|DOMINO|SPINNING|SKITTLE|KNITTING|SEWING|CRAFT|FELT|BABY|BABUSHKA|PAINT)')
            then 'toys and crafts'
        when regexp_matches(words, ' (CARD|WRAP|RIBBON|PAPER|NOTEBOOK|PENCIL|PEN |PENS|STICKER|TAPE|ENVELOPE|STAMP|TAG|TISSUE|BOOK|CHALK|CALENDAR|JOURNAL|PASSPORT|LUGGAGE|MAGNET)')
            then 'stationery'
        when regexp_matches(words, ' (SOAP|BATH|SHOWER|SPONGE|PLASTER|LIP |PERFUME|INCENSE|SCENT|FRAGRANCE)')
            then 'bath and scent'
        when regexp_matches(words, ' (BOX|TIN|TINS|BASKET|DRAWER|CABINET|CHEST|RACK|STORAGE|CRATE|BIN|SHELF|TRUNK|SUITCASE|CASE|BOTTLE|POT|BUCKET)')
            then 'storage'
        when regexp_matches(words, ' (WALL|HOOK|HANGING|HANGER|DECORATION|ORNAMENT|KNOB|DOOR|PHOTO|PICTURE|WREATH|LETTER|BELL|CHIME|HEART|FIGURE|BIRD|FLOWER|PLAQUE|WORD|ALPHABET|CHAIN|BUTTERFLY|WICKER)')
            then 'home decoration'
        else 'other'
    end as category,
    is_product,
from items
