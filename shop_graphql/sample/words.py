"""The words the sample shop is written with, and the first rows of it, which documentation may name."""

from typing import NamedTuple


class Shelf(NamedTuple):
    """A category and what its products are put together from; prices in whole units of the currency."""

    name: str
    description: str
    prices: tuple[int, int]
    looks: list[str]
    things: list[str]
    praise: list[str]


def _words(text: str) -> list[str]:
    return text.split("|")


def _shelf(name: str, description: str, prices: tuple[int, int], looks: str, things: str, praise: str) -> Shelf:
    return Shelf(name, description, prices, _words(looks), _words(things), _words(praise))


SHELVES = (
    _shelf(
        "Electronics",
        "Keyboards, headphones, chargers and whatever else has a cable, or no longer needs one.",
        (12, 480),
        "Wireless|Compact|Portable|Foldable|Backlit|Noise-Cancelling|Fast|Silent|Slim|Rugged",
        "Headphones|Mouse|Webcam|Speaker|Charger|Power Bank|Monitor|Microphone|Keyboard|USB-C Hub|Desk Lamp|Earbuds",
        "Works with every system we tried|Lasts a full week on one charge|Small enough for a coat pocket",
    ),
    _shelf(
        "Books",
        "New and well-loved books: novels, cookery, nature, history and things to make yourself.",
        (8, 60),
        "Illustrated|Pocket|Collected|Annotated|Little|Complete|Everyday|Forgotten|Practical|Curious",
        "Atlas|Cookbook|Field Guide|Short Stories|History of Tea|Bread Book|Garden Year|Sea Tales|Star Maps|Letters",
        "Thread-bound, with a ribbon|Printed on recycled paper|With an index that finds things",
    ),
    _shelf(
        "Coffee & Tea",
        "Beans, leaves, and the tools to make the most of them.",
        (6, 140),
        "Single-Origin|Dark Roast|Light Roast|Organic|Smoky|Floral|Decaf|Shade-Grown|Aged|First-Flush",
        "Espresso Beans|Filter Coffee|Green Tea|Oolong|Hand Grinder|French Press|Teapot|Dripper|Milk Jug|Assam",
        "Roasted on Tuesdays, sent on Wednesdays|Notes of plum and dark sugar|Makes two generous cups",
    ),
    _shelf(
        "Kitchen",
        "Pans, knives and bowls made for daily use.",
        (9, 260),
        "Cast-Iron|Copper|Stoneware|Stainless|Olive-Wood|Enamelled|Non-Stick|Carbon-Steel|Stackable|Hand-Forged",
        "Frying Pan|Saucepan|Chef's Knife|Mixing Bowl|Cutting Board|Ladle|Baking Tray|Casserole|Colander|Whisk",
        "Safe in the oven up to 250 degrees|Sharpens well and stays sharp|Goes into the dishwasher",
    ),
    _shelf(
        "Home & Living",
        "Blankets, lamps and small furniture for rooms that are lived in.",
        (15, 520),
        "Woollen|Linen|Oak|Handwoven|Quilted|Rattan|Walnut|Velvet|Recycled|Round",
        "Throw|Cushion|Floor Lamp|Side Table|Rug|Mirror|Candle Holder|Bookshelf|Basket|Curtain",
        "Made in small batches|Comes assembled|Ages gracefully",
    ),
    _shelf(
        "Garden",
        "Seeds, tools and pots, for a balcony as for an acre.",
        (3, 180),
        "Terracotta|Heirloom|Galvanised|Ash-Handled|Climbing|Hardy|Frost-Proof|Bee-Friendly|Long-Reach|Folding",
        "Plant Pot|Tomato Seeds|Watering Can|Secateurs|Trowel|Wildflower Mix|Rain Gauge|Bird Feeder|Spade|Trellis",
        "Good for clay soil|Guaranteed for ten winters|Loved by bumblebees",
    ),
    _shelf(
        "Sports",
        "Gear for running, climbing, swimming and everything with a ball.",
        (8, 340),
        "Lightweight|Breathable|Training|Competition|Grippy|Waterproof|Adjustable|Padded|Reflective|Junior",
        "Running Shoes|Yoga Mat|Swim Goggles|Football|Climbing Chalk|Jump Rope|Kettlebell|Racket|Shin Guards|Towel",
        "Tested by our own running club|Washes at forty degrees|Wide sizes too",
    ),
    _shelf(
        "Outdoor",
        "Tents, bags and stoves for a night or a month outside.",
        (10, 690),
        "Ultralight|Three-Season|Two-Person|Windproof|Insulated|Packable|Alpine|Trekking|Waxed|Solar",
        "Tent|Sleeping Bag|Backpack|Camp Stove|Head Torch|Water Filter|Hammock|Dry Bag|Rain Jacket|Walking Poles",
        "Weighs less than a loaf of bread|Stood a night at force nine|Repairs are free for life",
    ),
    _shelf(
        "Toys & Games",
        "Puzzles, board games and toys that last longer than the holidays.",
        (5, 120),
        "Wooden|Cooperative|Magnetic|Giant|Travel|Glow-in-the-Dark|Classic|Musical|Two-Player|Junior",
        "Puzzle|Train Set|Card Game|Building Blocks|Kite|Marble Run|Dominoes|Chess Set|Spinning Top|Memory Game",
        "From four years on|Plays in twenty minutes|No batteries, no screen",
    ),
    _shelf(
        "Clothing",
        "Everyday clothes in cotton, wool and linen.",
        (10, 280),
        "Merino|Organic Cotton|Linen|Corduroy|Striped|Oversized|Waffle-Knit|Denim|Fleece|Washed",
        "Jumper|T-Shirt|Overshirt|Beanie|Scarf|Socks|Work Jacket|Trousers|Cardigan|Dress",
        "Cut generously|Knitted without seams|Softer with each wash",
    ),
    _shelf(
        "Beauty & Care",
        "Soaps, creams and brushes with short lists of ingredients.",
        (4, 95),
        "Unscented|Rosemary|Calming|Solid|Refillable|Oat|Sea-Salt|Overnight|Gentle|Cedar",
        "Soap|Hand Cream|Shampoo Bar|Face Oil|Hair Brush|Lip Balm|Bath Salts|Shaving Brush|Deodorant|Body Scrub",
        "Vegan, and never tested on animals|Comes in a tin that we take back|For dry skin",
    ),
    _shelf(
        "Stationery",
        "Paper, pens and the drawers to keep them in.",
        (2, 110),
        "Dotted|Hardback|Recycled|Brass|Pastel|Pocket|Refillable|A5|Fine-Line|Archival",
        "Notebook|Fountain Pen|Pencil Set|Desk Organiser|Ink Bottle|Sketchbook|Planner|Washi Tape|Envelopes|Ruler",
        "Lies flat on the desk|Does not bleed through|Refills are a standard size",
    ),
    _shelf(
        "Music",
        "Instruments, strings and vinyl.",
        (5, 890),
        "Acoustic|Vintage|Student|Mahogany|Chromatic|Concert|Travel|Bamboo|Limited|Twelve-String",
        "Ukulele|Guitar Strings|Harmonica|Record|Metronome|Kalimba|Music Stand|Tambourine|Capo|Recorder",
        "Set up by hand before it leaves us|Warm and even in tone|Good for the first lesson and the last",
    ),
    _shelf(
        "Pets",
        "For dogs, cats and the smaller tenants.",
        (4, 160),
        "Washable|Chew-Proof|Grain-Free|Elevated|Catnip|Reflective|Slow-Feeding|Orthopaedic|Knotted|Quiet",
        "Dog Bed|Cat Tree|Leash|Food Bowl|Treats|Scratching Post|Harness|Rope Toy|Water Fountain|Carrier",
        "Approved by the dog in our warehouse|Cover comes off in seconds|Recommended by vets",
    ),
    _shelf(
        "Bicycles",
        "Parts, bags and tools to keep two wheels turning.",
        (6, 420),
        "Tubeless|Puncture-Proof|Leather|Aluminium|Quick-Release|USB-Rechargeable|Commuter|Gravel|Aero|Foldable",
        "Tyre|Saddle|Pannier|Bell|Front Light|Multi-Tool|Pump|Helmet|Chain|Mudguards",
        "Fits every common size|Keeps out the weather|Mounts without tools",
    ),
    _shelf(
        "Food & Pantry",
        "Oil, pasta, chocolate and jars of good things.",
        (2, 58),
        "Stone-Milled|Cold-Pressed|Smoked|Salted|Wild|Sun-Dried|Fermented|Spiced|Raw|Slow-Dried",
        "Olive Oil|Pasta|Dark Chocolate|Honey|Sea Salt|Tomatoes|Hot Sauce|Almonds|Marmalade|Rice",
        "From one family farm|No sugar added|Keeps for a year, if you can wait",
    ),
)

WELL_KNOWN_PRODUCTS = (
    (0, "Mechanical Keyboard", "Clicks the way it should. The cable comes off.", 8999, 25),
    (0, "Wireless Mouse", "Three buttons, one wheel, a year on one battery.", 2499, 120),
    (1, "The Pocket Star Atlas", "Every star you can see without a telescope, on 96 pages.", 1450, 60),
    (2, "Breakfast Tea", "Assam and Ceylon, 250 grams of whole leaves.", 999, 200),
    (3, "Cast-Iron Pan", "28 centimetres across. Your grandchildren will argue over it.", 5900, 14),
    (11, "Dotted Notebook", "240 numbered pages that lie flat.", 1795, 0),
)
"""Index of the shelf, name, description, price in hundredths and stock of the first products."""

WELL_KNOWN_USERS = (
    ("ada@example.com", "Ada Lovelace"),
    ("grace@example.com", "Grace Hopper"),
    ("katherine@example.com", "Katherine Johnson"),
)

KINDS = _words("Vintage|Outlet|Premium|Children's|Refurbished|Handmade|Local|Seasonal|Limited|Professional")

MAKERS = _words(
    "Halden|Kestrel|Ostra|Lumen & Oak|Moro|Fjordline|Tamarack|Bruno & Sons|Sable|Quill|Marlow|Nordal|Pica|Vesper|"
    "Arden|Corvo|Juniper|Solveig|Rook|Tilia|Brava|Okapi|Linden|Hearth|Zephyr"
)

FIRST_NAMES = _words(
    "Amélie|Noah|Zoë|Mateo|Søren|Priya|Liam|Chloé|Jürgen|Aiko|Olivia|José|Nils|Fatima|Björn|Lucía|Ethan|Anaïs|Kofi|"
    "Marta|André|Ingrid|Omar|Renée|Tomás|Mei|Oskar|Beatriz|Åsa|Daniel|Sofía|Yusuf|Hélène|Jan|Leïla|Marek|Nora|Pål|"
    "Rosa|Stefan|Thandiwe|Ursula|Viktor|Wanda|Xavier|Yara|Zdeněk|Emma|Gaël|Hana|Ivan|Júlia|Karim|Lena|Małgorzata|Iñaki"
)

LAST_NAMES = _words(
    "García|Müller|Nguyen|Kowalski|Østergaard|Rossi|Dubois|Smith|Papadopoulos|Yamamoto|Fernández|Schröder|Okafor|"
    "Lindström|Novák|Costa|Haddad|Jansen|Kumar|O'Brien|Petrović|Sánchez|Tremblay|Virtanen|Weiß|Kaya|Zając|Ågren|"
    "Bianchi|Choi|Delacroix|Eriksson|Fischer|Gonçalves|Horváth|Ibrahim|Jónsdóttir|Keller|Laurent|Mendoza|Nielsen|"
    "Ortega|Peña|Quinn|Ramos|Silva|Tanaka|Underwood|Varga|Wójcik|Abebe|Brown|Castillo|Dvořák|Evans|Ferreira"
)
