"""Ordinary Chinese sentences of our own writing, put together by number: the same number always gives the same text."""

from __future__ import annotations

import hashlib
from string import Formatter

WORDS: dict[str, tuple[str, ...]] = {
    "when": ("清晨", "上午", "午后", "傍晚", "周末", "雨停以后", "放学之后", "下班路上", "入秋以来", "春分前后"),
    "who": (
        "邻居",
        "同事",
        "表姐",
        "老同学",
        "楼下的店主",
        "图书管理员",
        "门口的保安",
        "新来的实习生",
        "外婆",
        "隔壁班的老师",
    ),
    "place": (
        "河边的小公园",
        "街角的书店",
        "社区的活动室",
        "老城区的巷子",
        "学校的操场",
        "南边的菜市场",
        "山脚下的村子",
        "车站旁的广场",
    ),
    "food": ("番茄炒蛋", "萝卜排骨汤", "葱油拌面", "红豆粥", "清蒸鲈鱼", "素馅包子", "酸辣土豆丝", "桂花年糕"),
    "plant": ("月季", "薄荷", "向日葵", "绿萝", "石榴树", "牵牛花", "迷迭香", "小番茄"),
    "tool": ("扳手", "卷尺", "旧木箱", "缝纫机", "打气筒", "台灯", "放大镜", "水平仪"),
    "book": ("一本讲桥梁的书", "一册旧地图", "一套自然图鉴", "一本游记", "一卷家谱", "一本菜谱", "一本讲天文的小册子"),
    "sport": ("慢跑", "打羽毛球", "骑自行车", "游泳", "练太极拳", "打乒乓球", "爬山", "跳绳"),
    "music": ("二胡", "口琴", "钢琴", "竹笛", "吉他", "古筝", "手风琴"),
    "weather": ("薄雾", "小雨", "暖阳", "北风", "晚霞", "细雪", "雷声", "湿润的海风"),
    "count": ("三", "五", "七", "十来", "二十多", "四十", "一百多"),
    "feeling": (
        "心里很踏实",
        "觉得很新鲜",
        "忍不住笑了",
        "慢慢安静下来",
        "打算下次再来",
        "把经过记在了本子上",
        "觉得时间过得很快",
    ),
    "rare": ("喆", "堃", "镕", "玥", "㐂", "㮾", "赟"),
}

SENTENCES: tuple[str, ...] = (
    "{when}，{who}带着孩子去{place}散步，路上遇见{weather}，{feeling}。",
    "{place}新添了{count}张长椅，{who}说这是大家商量了两个月才定下来的。",
    "{who}照着外地亲戚的办法做{food}，先用小火，再加一点盐，味道比上次清淡。",
    "厨房里的{food}刚出锅，热气把窗户蒙住了，{who}推门进来，说远远就闻到了香味。",
    "阳台上的{plant}已经长到{count}片叶子，{who}每隔两天浇一次水，从不贪多。",
    "今年的{plant}开得晚，{who}翻开去年的记录，发现那时多了几场{weather}。",
    "{who}从箱底找出{tool}，擦干净以后还能用，于是把松动的门轴修好了。",
    "借来的{tool}用完要还，{who}在纸条上写了日期，托人带回{place}。",
    "{who}在{place}借到{book}，书页里夹着一张旧车票，边角已经发黄。",
    "读完{book}以后，{who}画了一张简图，把几条河的走向都标了出来。",
    "{when}，{count}个人约好一起{sport}，教练提醒大家先活动脚踝再出发。",
    "{who}坚持{sport}已经半年，起初只能撑十分钟，现在可以一口气完成全程。",
    "合唱排练之前，{who}用{music}给大家定音，第二段慢了半拍，又从头来过。",
    "{who}学{music}的理由很简单：小时候在{place}听过一次，一直没有忘记。",
    "{when}遇上{weather}，公交车晚到了{count}分钟，站台上的人让老人先上。",
    "新的线路从{place}经过，{who}算了一下，每天能省下半个小时。",
    "木匠师傅名字里有个少见的“{rare}”字，{who}查了字典才敢念出来。",
    "店名用了“{rare}”字，招牌是{who}亲手写的，墨色很淡，笔画却很稳。",
    "{who}把旧报纸铺在桌上，教孩子量尺寸、裁纸、糊灯笼，忙了整整一个下午。",
    "修路期间要绕行，{who}在{place}立了一块牌子，上面画着箭头和步行的时间。",
    "社区的借阅架上多了{count}本书，{who}负责登记，谁先看完谁写两句感想。",
    "井水比自来水凉，{who}用它冰西瓜，切开以后分给在{place}乘凉的人。",
    "{who}说，看云要看边缘：边缘发亮的日子，多半还会再出{weather}。",
    "学校组织参观水厂，{who}问了{count}个问题，讲解的人一个一个回答清楚。",
)


def text(number: int) -> str:
    """The text with this number: four different sentences about everyday matters, at least 80 characters."""
    chosen: list[str] = []
    step = 0
    while len(chosen) < 4 or len("".join(chosen)) < 80:
        sentence = SENTENCES[_draw(number, "sentence", step, len(SENTENCES))]
        step += 1
        if all(sentence != SENTENCES[_draw(number, "sentence", s, len(SENTENCES))] for s in range(step - 1)):
            chosen.append(_filled(sentence, number, step))
    return "".join(chosen)


def title(number: int) -> str:
    """A short title that fits any text."""
    names = ("随手记", "街坊见闻", "周末小事", "窗边笔记", "慢日子", "巷口消息", "四时杂记")
    return f"{names[_draw(number, 'title', 0, len(names))]}（{number}）"


def _filled(sentence: str, number: int, step: int) -> str:
    slots = {name for _, name, _, _ in Formatter().parse(sentence) if name}
    return sentence.format(**{slot: WORDS[slot][_draw(number, slot, step, len(WORDS[slot]))] for slot in slots})


def _draw(number: int, purpose: str, step: int, of: int) -> int:
    seed = hashlib.sha256(f"fixture\0{number}\0{purpose}\0{step}".encode()).digest()
    return int.from_bytes(seed[:8], "big") % of
